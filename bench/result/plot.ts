import type { Limit, Row, Unit } from './rows.ts';
import { type Spread, shown } from './spread.ts';

const COLUMNS = 2;
const PANEL_WIDTH = 520;
const LABEL_WIDTH = 110;
const BAR_WIDTH = 260;
const LINE_HEIGHT = 22;
const BAR_HEIGHT = 14;
const TITLE_HEIGHT = 40;
const PANEL_GAP = 26;
const MARGIN = 24;
const HEAD_HEIGHT = 76;

const INK = '#1f2933';
const QUIET = '#616e7c';
const OURS = '#1d6fb8';
const THEIRS = '#b8c1cc';
const MUST = '#b3261e';
const AIM = '#2e7d32';
const DASHES = 'stroke-dasharray="3 2"';

interface Bar {
  readonly label: string;
  readonly colour: string;
  readonly spread: Spread | undefined;
}

interface Panel {
  readonly title: string;
  readonly unit: Unit;
  readonly bars: readonly Bar[];
  /** The row with the limits: the one with a verdict. */
  readonly judged: Row;
}

/** One panel a figure, one bar a contestant (median, with lowest and highest), and where must and aim lie: an SVG. */
export function plotOf(rows: readonly Row[], headline: string): string {
  const panels = panelsOf(rows);
  const bottoms = new Array<number>(COLUMNS).fill(HEAD_HEIGHT);
  const drawn = panels.map((panel) => {
    const column = bottoms.indexOf(Math.min(...bottoms));
    const x = MARGIN + column * PANEL_WIDTH;
    const y = bottoms[column]!;
    bottoms[column] = y + TITLE_HEIGHT + panel.bars.length * LINE_HEIGHT + PANEL_GAP;
    return `<g transform="translate(${x} ${y})">${drawPanel(panel)}</g>`;
  });
  const width = 2 * MARGIN + COLUMNS * PANEL_WIDTH;
  const height = Math.max(...bottoms);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    ` font-family="sans-serif" font-size="12" fill="${INK}" role="img" aria-label="resettle and its peers">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    text(MARGIN, 30, 'resettle and its peers, side by side', 'font-size="18" font-weight="bold"'),
    text(MARGIN, 50, headline, `fill="${QUIET}"`),
    drawLegend(width - MARGIN - 340, 26),
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function panelsOf(rows: readonly Row[]): Panel[] {
  return [...new Set(rows.map(({ title }) => title))].map((title) => {
    const own = rows.filter((row) => row.title === title);
    const peers = own.filter(({ peer }) => peer !== '');
    return {
      title,
      unit: own[0]!.unit,
      judged: own.find(({ must }) => must) ?? own[0]!,
      bars: [
        { label: 'resettle', colour: OURS, spread: own[0]!.ours },
        ...peers.map(({ peer, theirs }) => ({ label: peer, colour: THEIRS, spread: theirs })),
      ],
    };
  });
}

function drawPanel({ title, unit, bars, judged }: Panel): string {
  const limits = [judged.must?.value ?? 0, judged.aim?.value ?? 0];
  const scale = BAR_WIDTH / Math.max(...bars.map(({ spread }) => spread?.max ?? 0), ...limits, Number.MIN_VALUE);
  const parts = [
    text(0, 12, title, 'font-size="13" font-weight="bold"'),
    text(0, 28, sentenceOf(judged), `fill="${judged.verdict === 'MISSED' ? MUST : QUIET}"`),
  ];
  for (const [line, bar] of bars.entries()) {
    const ours = line === 0;
    parts.push(drawBar(bar, unit, TITLE_HEIGHT + line * LINE_HEIGHT, scale, ours ? Math.max(...limits) : 0));
    if (ours) parts.push(drawLimit(judged.must, scale, MUST, ''), drawLimit(judged.aim, scale, AIM, DASHES));
  }
  return parts.join('\n');
}

/** Limits are ours alone to keep, so they cross the first bar only. */
function drawLimit(limit: Limit | undefined, scale: number, colour: string, dashes: string): string {
  if (!limit) return '';
  const x = (LABEL_WIDTH + limit.value * scale).toFixed(1);
  return `<path d="M${x} ${TITLE_HEIGHT - 4}v${BAR_HEIGHT + 8}" stroke="${colour}" stroke-width="2" ${dashes}/>`;
}

function sentenceOf({ verdict, peer, ratio, must, aim }: Row): string {
  const measured = ratio === undefined ? '' : `${ratio.toFixed(2)} × ${peer}`;
  const limits = [must && `must ${must.text}`, aim && `aim ${aim.text}`].filter(Boolean).join(', ');
  return [verdict, measured, limits].filter(Boolean).join(' · ');
}

/** The value stands behind the bar, and behind `clear`, which is in the unit of the bar. */
function drawBar({ label, colour, spread }: Bar, unit: Unit, y: number, scale: number, clear: number): string {
  const middle = y + BAR_HEIGHT / 2;
  const name = text(LABEL_WIDTH - 8, middle + 4, label, 'text-anchor="end"');
  if (!spread) return name + text(LABEL_WIDTH + clear * scale + 6, middle + 4, 'not available', `fill="${QUIET}"`);
  const at = (value: number): string => (LABEL_WIDTH + value * scale).toFixed(1);
  const width = Math.max(1, spread.median * scale).toFixed(1);
  const whisker =
    spread.min === spread.max ? '' : `<path d="M${at(spread.min)} ${middle}H${at(spread.max)}" stroke="${INK}"/>`;
  return [
    name,
    `<rect x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR_HEIGHT}" fill="${colour}"/>`,
    whisker,
    text(LABEL_WIDTH + Math.max(spread.max, clear) * scale + 6, middle + 4, `${shown(spread.median)} ${unit}`, ''),
  ].join('');
}

function drawLegend(x: number, y: number): string {
  const entry = (at: number, mark: string, label: string): string =>
    `<g transform="translate(${x + at} ${y})">${mark}${text(18, 4, label, '')}</g>`;
  const line = (colour: string, more: string): string =>
    `<path d="M7 -8V8" stroke="${colour}" stroke-width="2" ${more}/>`;
  return [
    entry(0, `<rect y="-6" width="12" height="12" fill="${OURS}"/>`, 'resettle'),
    entry(90, `<rect y="-6" width="12" height="12" fill="${THEIRS}"/>`, 'compared with'),
    entry(210, line(MUST, ''), 'must'),
    entry(275, line(AIM, DASHES), 'aim'),
  ].join('\n');
}

function text(x: number, y: number, words: string, more: string): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${x.toFixed(1)}" y="${y}" ${more}>${safe}</text>`;
}
