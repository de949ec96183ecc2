import type { PlanBuilder } from '../base/types.ts';
import { readOptions, readOptionsLine, writeOptionsLine } from './lpoptions.ts';
import type { DestinationOptions, Printers } from './schema.ts';
import { CUPS } from './target.ts';

export const LPOPTIONS = `${CUPS}/lpoptions`;

/** What jobs of everybody get: a line each in lpoptions. */
export function planOptions({ options }: Printers, plan: PlanBuilder): void {
  for (const one of options) planDestination(one, plan);
}

function planDestination(one: DestinationOptions, plan: PlanBuilder): void {
  const id = `options:${one.destination}`;
  const title = `Print options of ${one.destination}`;
  const text = plan.system.text(LPOPTIONS) ?? '';
  const known = readOptions(text);
  const there = known.find(({ destination }) => destination === one.destination);
  if (there && there.options !== one.options) {
    plan.ask(id, title, `${LPOPTIONS} has other ones here: compare them with lpoptions -p ${one.destination}`);
    return;
  }
  const isDefault = one.isDefault && !known.some((other) => other.isDefault);
  if (there && (there.isDefault || !isDefault)) {
    plan.same(id, title);
    return;
  }
  const line = writeOptionsLine({ ...one, isDefault });
  const rest = text.split('\n').filter((old) => readOptionsLine(old)?.destination !== one.destination);
  const before = rest.join('\n').replace(/\n*$/, '');
  plan.want({
    id,
    title,
    action: there ? 'merge' : 'add',
    detail: 'jobs of everybody get them',
    changes: [
      { kind: 'folder', path: CUPS, mode: 0o755, uid: 0, gid: 0 },
      {
        kind: 'file',
        path: LPOPTIONS,
        content: Buffer.from(`${before}${before ? '\n' : ''}${line}\n`),
        mode: 0o644,
        uid: 0,
        gid: 0,
      },
    ],
  });
}
