import { resolve } from 'node:path';
import type { Command } from 'commander';
import { formatBytes } from '../../common/sizes.ts';
import { type Context, callAgentOrHere } from '../context.ts';
import { scopeOf } from './capture.ts';

interface PlanFlags {
  areas?: string;
  root?: string;
  explain?: string;
}

interface PlannedArea {
  readonly area: string | null;
  readonly paths: readonly string[];
  readonly files: number;
  readonly bytes: number;
  readonly items: number;
}

interface Explained {
  readonly path: string;
  readonly taken: boolean;
  readonly because: string;
  readonly others: readonly string[];
}

export function describePlan(command: Command): Command {
  return command
    .description('what a capture would take, area by area, and what it would leave out; writes nothing')
    .argument('[PATH...]', 'what to capture, whole; without any: every area')
    .option('--areas <LIST>', 'kinds of system state, with commas, or all')
    .option('--root <DIR>', 'DIR is the root of the machine to look at')
    .option('--explain <PATH>', 'which rule decides whether PATH is taken')
    .addHelpText(
      'after',
      `
Examples:
  resettle plan
  resettle plan --areas homes,applications
  resettle plan --explain /home/ann/.cache/mozilla`,
    );
}

/** Returns the exit status: 3 where items would be left out that no rule leaves out. */
export async function runPlan(context: Context, paths: readonly string[], flags: PlanFlags): Promise<number> {
  const base = flags.root === undefined ? '.' : '/';
  const done = await callAgentOrHere(context, 'plan', {
    ...scopeOf(
      paths.map((path) => resolve(base, path)),
      flags,
    ),
    ...(flags.explain === undefined ? {} : { explain: resolve(base, flags.explain) }),
  });
  const explained = done.explained as Explained | null;
  context.output.done(done, explained ? explainLines(explained) : planLines(done));
  return explained || Number(done.skipped) === 0 ? 0 : 3;
}

function explainLines({ path, taken, because, others }: Explained): string[] {
  return [`${taken ? 'taken' : 'left out'}  ${path}`, `  ${because}`, ...others.map((line) => `  also: ${line}`)];
}

function planLines(done: Record<string, unknown>): string[] {
  const areas = done.areas as readonly PlannedArea[];
  const left = done.leftByRules as readonly { rule: string; items: number; examples: readonly string[] }[];
  return [
    ...areas.map(areaLine),
    ...left.map(({ rule, items, examples }) => `left out      ${rule}  ${items} items, such as ${examples.join(', ')}`),
    `in all        ${String(done.files)} files, ${formatBytes(Number(done.bytes))}; at most ${formatBytes(Number(done.upperBoundBytes))} to store`,
  ];
}

function areaLine({ area, paths, files, bytes, items }: PlannedArea): string {
  const amounts = [
    items > 0 ? `${items} items` : '',
    files > 0 ? `${files} files and folders` : '',
    formatBytes(bytes),
    area === null || paths.length === 0 ? '' : paths.slice(0, 5).join(' ') + (paths.length > 5 ? ' …' : ''),
  ];
  return `${(area ?? paths[0]!).padEnd(14)}${amounts.filter(Boolean).join('  ')}`;
}
