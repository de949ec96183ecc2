import type { Checklist, ChecklistGroup, ChecklistItem, ChecklistMachine } from '../types.ts';
import { countsOf, exitStatusOf, needsSomebody, sentenceOf } from '../verdicts.ts';
import { STYLE } from './html-style.ts';
import { Markup, markup } from './markup.ts';
import { byWeight, isPlaceholder, type ShownVerdict, shownTime, shownVerdict, tally, WORDS } from './words.ts';

/** How every page of ours begins: what begins otherwise is not replaced. */
const BEGINNING = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="resettle checklist">
`;

/** Whether a file is a checklist that was written here, by its beginning. */
export const isChecklistHtml = (beginning: string): boolean => beginning.startsWith(BEGINNING);

/** A checklist as one page that needs nothing else: no script, no picture, no network. To be kept and printed. */
export function checklistHtml(checklist: Checklist): string {
  const { source, machine, counts, groups, restore, madeAt } = checklist;
  const needed = groups.flatMap(({ items }) => items.filter(needsSomebody)).sort(byWeight);
  const page = markup`${new Markup(BEGINNING)}<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Checklist: ${source.name} to ${machine.name}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
${headOf(checklist)}
${needed.length > 0 ? neededOf(needed) : undefined}
<section aria-labelledby="groups">
<h2 id="groups">Item by item</h2>
<p class="hint">${counts.total} items in ${groups.length} groups. Open a group to see its items.</p>
${groups.map(groupOf)}</section>
</main>
<footer><p>Made by resettle from what this machine showed at ${shownTime(madeAt)}. <code>resettle checklist ${restore}</code> looks again.</p></footer>
</body>
</html>
`;
  return page.text;
}

const STATE = { 0: 'well', 1: 'failed', 3: 'person' } as const;

function headOf(checklist: Checklist): Markup {
  const { source, machine, into, capturedAt, restoredAt, madeAt, restore, counts } = checklist;
  return markup`<header>
<p class="kind">Checklist of a move</p>
<h1>${source.name} <span class="arrow" aria-hidden="true">→</span><span class="hidden">to</span> ${machine.name}</h1>
<p class="sentence ${STATE[exitStatusOf(counts)]}">${sentenceOf(counts)}</p>
<p>${chipsOf(counts)}</p>
<dl>
<div><dt>Old machine</dt><dd>${shownMachine(source)}</dd></div>
<div><dt>New machine</dt><dd>${shownMachine(machine)}</dd></div>
${capturedAt === null ? undefined : markup`<div><dt>Captured</dt><dd>${shownTime(capturedAt)}</dd></div>`}
<div><dt>Restored</dt><dd>${shownTime(restoredAt)}${into === '/' ? undefined : markup`<br><span class="soft">into ${into}</span>`}</dd></div>
<div><dt>Looked at</dt><dd>${shownTime(madeAt)}</dd></div>
<div><dt>Restore</dt><dd><code>${restore}</code></dd></div>
</dl>
</header>`;
}

const shownMachine = ({ name, os }: ChecklistMachine): Markup =>
  os ? markup`${name}<br><span class="soft">${os}</span>` : markup`${name}`;

function chip(verdict: ShownVerdict, count?: number): Markup {
  return markup`<span class="chip ${verdict}">${count === undefined ? '' : `${count} `}${WORDS[verdict]}</span> `;
}

const chipsOf = (counts: Checklist['counts']): Markup[] =>
  tally(counts).map(({ verdict, count }) => chip(verdict, count));

function neededOf(items: readonly ChecklistItem[]): Markup {
  return markup`<section aria-labelledby="needed">
<h2 id="needed">What needs you</h2>
<ol class="needed">
${items.map(neededItem)}</ol>
</section>`;
}

function neededItem(item: ChecklistItem): Markup {
  const { title, group, expected, observed, remedy } = item;
  const todo = remedy === undefined ? undefined : markup`<div class="todo"><dt>To do</dt><dd>${remedy}</dd></div>`;
  return markup`<li class="${shownVerdict(item)}"><h3>${chip(shownVerdict(item))}${title} <span class="soft">${group}</span></h3>
<dl><div><dt>Expected</dt><dd>${expected}</dd></div>
<div><dt>Found</dt><dd>${observed}${namesOf(item)}</dd></div>
${todo}</dl></li>
`;
}

function namesOf({ names = [] }: ChecklistItem): Markup | undefined {
  return names.length === 0
    ? undefined
    : markup`<ul class="names">${names.map((name) => markup`<li>${name}</li>`)}</ul>`;
}

function groupOf({ name, items }: ChecklistGroup): Markup {
  const [first] = items;
  if (items.length === 1 && first && isPlaceholder(first)) {
    return markup`<div class="group empty"><h3>${heading(name)}</h3><p>${first.observed}</p>${chip('skipped')}</div>
`;
  }
  const others = items.filter(({ verdict }) => verdict !== 'same').sort(byWeight);
  const same = items.filter(({ verdict }) => verdict === 'same');
  return markup`<details class="group"${new Markup(others.length > 0 ? ' open' : '')}><summary><h3>${heading(name)}</h3> <span>${chipsOf(countsOf(items))}</span></summary>
${others.length > 0 ? tableOf(others, name) : undefined}${others.length > 0 && same.length > 0 ? folded(same, name) : undefined}${others.length === 0 ? tableOf(same, name) : undefined}</details>
`;
}

/** `Remote printers` */
const heading = (group: string): string => group.replace(/^[a-z]/, (letter) => letter.toUpperCase());

function folded(same: readonly ChecklistItem[], name: string): Markup {
  return markup`<details class="inner"><summary>${same.length} as ${same.length === 1 ? 'it was' : 'they were'}</summary>
${tableOf(same, `${name}: as they were`)}</details>
`;
}

/** Roles are said again, since a narrow screen shows rows as blocks. */
function tableOf(items: readonly ChecklistItem[], caption: string): Markup {
  const heads = ['Item', 'Verdict', 'Expected', 'Found', 'Known by'];
  return markup`<table role="table"><caption class="hidden">${caption}</caption>
<thead role="rowgroup"><tr role="row">${heads.map((head) => markup`<th scope="col" role="columnheader">${head}</th>`)}</tr></thead>
<tbody role="rowgroup">
${items.map(rowOf)}</tbody></table>
`;
}

function rowOf(item: ChecklistItem): Markup {
  const { title, expected, observed, evidence, remedy } = item;
  const todo = remedy === undefined ? undefined : markup`<p class="todo"><b>To do:</b> ${remedy}</p>`;
  const cell = (label: string, content: Markup): Markup =>
    markup`<td role="cell" data-label="${label}"><div>${content}</div></td>`;
  return markup`<tr role="row"><th scope="row" role="rowheader">${title}</th>${[
    cell('Verdict', chip(shownVerdict(item))),
    cell('Expected', markup`${expected}`),
    cell('Found', markup`${observed}${namesOf(item)}${todo}`),
    cell('Known by', markup`<span class="soft">${evidence}</span>`),
  ]}</tr>
`;
}
