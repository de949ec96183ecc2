/** The one style of the page: light and dark, narrow and wide, on a screen and on paper. No face is fetched. */
export const STYLE = `
:root {
  --page: #f4f5f7; --card: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d5dae0;
  --well: #1a7238; --well-bg: #e3f4e7; --changed: #0b57a4; --changed-bg: #e4effb;
  --person: #7a4f00; --person-bg: #fdf0cf; --failed: #ad1d16; --failed-bg: #fde6e4;
  --skipped: #545d66; --skipped-bg: #e9ecef;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #121518; --card: #1b2025; --ink: #e7eaed; --soft: #a2acb6; --line: #343b43;
    --well: #7fd79a; --well-bg: #17301f; --changed: #8fc1f7; --changed-bg: #16293d;
    --person: #f1c766; --person-bg: #372a0c; --failed: #ff9d95; --failed-bg: #431a17;
    --skipped: #b3bcc5; --skipped-bg: #2a3037;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink); line-height: 1.5; overflow-wrap: anywhere;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
}
code, .names { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: .875em; }
main, footer { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
footer { padding-top: 2rem; padding-bottom: 3rem; color: var(--soft); font-size: .875rem; }
header { padding-top: 2.5rem; }
h1, h2, h3, p { margin: 0; }
h1 { font-size: clamp(1.6rem, 1.1rem + 2.4vw, 2.4rem); line-height: 1.2; letter-spacing: -.01em; }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.3rem; }
h3 { font-size: 1rem; }
.kind { margin-bottom: .25rem; color: var(--soft); font-size: .875rem; font-weight: 600; }
.arrow, .soft, .hint { color: var(--soft); font-weight: 400; }
.hint { margin-bottom: 1rem; font-size: .925rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.sentence { margin: 1.25rem 0 .75rem; padding: .9rem 1.1rem; border-left: .35rem solid; border-radius: .4rem; font-size: 1.15rem; font-weight: 600; }
.sentence.well { color: var(--well); background: var(--well-bg); }
.sentence.person { color: var(--person); background: var(--person-bg); }
.sentence.failed { color: var(--failed); background: var(--failed-bg); }
.chip { display: inline-block; padding: .05rem .55rem; border: 1px solid; border-radius: 1rem; font-size: .8rem; font-weight: 600; white-space: nowrap; }
.chip.same { color: var(--well); background: var(--well-bg); }
.chip.changed { color: var(--changed); background: var(--changed-bg); }
.chip.person, .chip.withheld { color: var(--person); background: var(--person-bg); }
.chip.failed { color: var(--failed); background: var(--failed-bg); }
.chip.skipped { color: var(--skipped); background: var(--skipped-bg); }
header dl { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1rem 2rem; margin: 1.5rem 0 0; padding: 1.1rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
dt { color: var(--soft); font-size: .8rem; font-weight: 600; }
dd { margin: 0; }
.needed { margin: 0; padding: 0; list-style: none; }
.needed > li { margin-bottom: .75rem; padding: .9rem 1.1rem; background: var(--card); border: 1px solid var(--line); border-left: .35rem solid var(--person); border-radius: .6rem; }
.needed > li.failed { border-left-color: var(--failed); }
.needed h3 .chip { margin-right: .4rem; }
.needed h3 .soft { margin-left: .3rem; font-size: .875rem; }
.needed dl { margin: .5rem 0 0; }
.needed dl > div { display: grid; grid-template-columns: 5.5rem 1fr; gap: .25rem .75rem; align-items: baseline; }
.needed .todo dd { font-weight: 600; }
.names { margin: .3rem 0; padding-left: 1.1rem; }
.group { margin-bottom: .5rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
summary { cursor: pointer; }
.group > summary { display: flex; flex-wrap: wrap; gap: .35rem .75rem; align-items: center; padding: .7rem 1.1rem; list-style: none; border-radius: .6rem; }
.group > summary::-webkit-details-marker { display: none; }
.group > summary::before { content: ""; flex: none; width: .45rem; height: .45rem; border: solid var(--soft); border-width: 0 2px 2px 0; transform: rotate(-45deg); }
.group[open] > summary::before { transform: rotate(45deg); }
.group > summary h3 { flex: 1 1 12rem; }
summary:focus-visible { outline: 2px solid var(--changed); outline-offset: 2px; }
.group.empty { display: flex; flex-wrap: wrap; gap: .1rem .75rem; align-items: baseline; padding: .7rem 1.1rem .7rem 2.3rem; }
.group.empty p { flex: 1 1 16rem; color: var(--soft); font-size: .925rem; }
.inner { border-top: 1px solid var(--line); }
.inner > summary { padding: .6rem 1.1rem; color: var(--soft); font-size: .925rem; }
table { width: 100%; border-collapse: collapse; border-top: 1px solid var(--line); font-size: .925rem; table-layout: fixed; }
th, td { padding: .55rem .6rem; text-align: left; vertical-align: top; }
th:first-child { padding-left: 1.1rem; width: 20%; }
th:nth-child(2) { width: 7.5rem; }
th:nth-child(5) { width: 20%; }
thead th { color: var(--soft); font-size: .8rem; font-weight: 600; }
tbody th { font-weight: 600; }
tbody tr { border-top: 1px solid var(--line); }
p.todo { margin-top: .3rem; }
td .soft { font-size: .95em; }
@media (max-width: 44rem) {
  header { padding-top: 1.5rem; }
  header dl { grid-template-columns: 1fr 1fr; gap: .8rem 1rem; }
  .needed dl > div { display: block; margin-top: .3rem; }
  table, tbody, tr { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { padding: .6rem 1.1rem; }
  tbody th { display: block; }
  tbody th:first-child { width: auto; padding: 0 0 .2rem; }
  td { display: grid; grid-template-columns: 5rem 1fr; gap: .5rem; align-items: baseline; padding: .1rem 0; }
  td::before { content: attr(data-label); color: var(--soft); font-size: .8rem; font-weight: 600; }
}
@media print {
  @page { margin: 14mm; }
  :root {
    --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb;
    --well: #14602e; --changed: #0b4a8a; --person: #6b4500; --failed: #971610; --skipped: #444;
    --well-bg: #fff; --changed-bg: #fff; --person-bg: #fff; --failed-bg: #fff; --skipped-bg: #fff;
  }
  html { font-size: 9.5pt; }
  main, footer { max-width: none; padding-left: 0; padding-right: 0; }
  header { padding-top: 0; }
  .hint { display: none; }
  .sentence { border: 1px solid; border-left-width: .35rem; }
  tr, .needed > li, .group, header dl > div { break-inside: avoid; }
  .group.empty { padding-left: 1.1rem; }
  h2, h3, summary { break-after: avoid; }
  .group > summary::before { display: none; }
  details::details-content { display: block; content-visibility: visible; block-size: auto; }
}
`;
