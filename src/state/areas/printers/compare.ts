import { readConfigFile } from '../base/config-file.ts';
import type { System } from '../base/system.ts';
import type { Owners } from '../base/types.ts';
import { redactUri } from './device-uri.ts';
import { hashOfPpd } from './ppd.ts';
import type { QueueBlock } from './queue-file.ts';
import { classOf, mapUsers, printerOf } from './queues.ts';
import type { PrintClass, Printer, Queue } from './schema.ts';
import { CUPS } from './target.ts';

/** A queue as the target has it, its driver's description included. */
export function printerAt(system: System, block: QueueBlock): Printer {
  const ppd = readConfigFile(system, ppdPathOf(block.name));
  return { ...printerOf(block), ...(ppd && { ppd }) };
}

export const ppdPathOf = (name: string): string => `${CUPS}/ppd/${name}.ppd`;

/** For people, of one line: where it leads, its driver, what it takes. No secrets. */
export function describePrinter(printer: Printer): string {
  const driver = printer.ppd ? `driver ${hashOfPpd(printer.ppd)}` : 'no driver';
  return [redactUri(printer.deviceUri), driver, ...stateOf(printer)].join(', ');
}

export function describeClass(one: PrintClass): string {
  return [`of ${one.members.join(', ') || 'no printers'}`, ...stateOf(one)].join('; ');
}

function stateOf({ isEnabled, isAccepting, isShared }: Queue): string[] {
  return [
    isEnabled ? 'enabled' : 'stopped',
    isAccepting ? 'accepting' : 'rejecting',
    isShared ? 'shared' : 'not shared',
  ];
}

/** In what a target's queue is other than the captured one; none: it is the same. The address is compared apart. */
export function differencesOf(captured: Queue, there: Queue, owners: Owners): string[] {
  const wished = mapUsers(captured, owners);
  const settings = (queue: Queue) => queue.settings.map(({ name, value }) => `${name} ${value}`).sort();
  const names = new Set([...wished.settings, ...there.settings].map(({ name }) => name));
  const of = (queue: Queue, name: string) =>
    settings(queue)
      .filter((one) => one.startsWith(`${name} `))
      .join('\n');
  return [
    ...('deviceUri' in captured
      ? differentDriver(captured, there as Printer)
      : differentMembers(captured, there as PrintClass)),
    ...(wished.isEnabled === there.isEnabled ? [] : ['enabled or stopped']),
    ...(wished.isAccepting === there.isAccepting ? [] : ['accepting or rejecting']),
    ...(wished.isShared === there.isShared ? [] : ['shared or not']),
    ...[...names].filter((name) => of(wished, name) !== of(there, name)),
  ];
}

export const classAt = (block: QueueBlock): PrintClass => classOf(block);

function differentDriver({ ppd }: Printer, there: Printer): string[] {
  if (!ppd) return there.ppd ? ['driver'] : [];
  return there.ppd && hashOfPpd(ppd) === hashOfPpd(there.ppd) ? [] : ['driver'];
}

function differentMembers({ members }: PrintClass, there: PrintClass): string[] {
  return [...members].sort().join('\n') === [...there.members].sort().join('\n') ? [] : ['printers'];
}
