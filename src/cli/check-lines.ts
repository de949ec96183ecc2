import type { ApiEvent } from '../api/contract.ts';

const VERDICT_WIDTH = 8;
const NAME_WIDTH = 11;

/** One finding of `doctor` for people: verdict and check in columns, what it is about, and below it what can be done. */
export function checkLines(event: ApiEvent): string[] {
  const verdict = String(event.verdict);
  const shown = verdict === 'ok' ? verdict : verdict.toUpperCase();
  const head = `${shown.padEnd(VERDICT_WIDTH)} ${String(event.name).padEnd(NAME_WIDTH)} `;
  const lines = [`${head}${String(event.subject)}: ${String(event.message)}`];
  if (event.remedy) lines.push(`${' '.repeat(head.length)}-> ${String(event.remedy)}`);
  return lines;
}
