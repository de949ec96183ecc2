import type { Owners } from '../base/types.ts';
import { type ConfLine, readConfLine, writeConfLine } from './conf-line.ts';
import type { QueueBlock } from './queue-file.ts';
import { type PrintClass, type Printer, type Queue, SETTINGS, type Setting, type SettingName } from './schema.ts';

/** What a block of printers.conf says. Its driver and programs are not in it. Unchecked: the schema judges it. */
export function printerOf(block: QueueBlock): Printer {
  const lines = readLines(block);
  const type = Number(lastOf(lines, 'Type'));
  return {
    ...queueOf(block, lines),
    deviceUri: lastOf(lines, 'DeviceURI') ?? '',
    ...(Number.isSafeInteger(type) && { type }),
    programs: [],
  };
}

/** What a block of classes.conf says, unchecked. */
export function classOf(block: QueueBlock): PrintClass {
  const lines = readLines(block);
  const members = lines.filter(({ keyword }) => isKeyword(keyword, 'Printer')).map(({ value }) => value);
  return { ...queueOf(block, lines), members };
}

function queueOf({ name, isDefault }: QueueBlock, lines: readonly ConfLine[]): Queue & { type?: undefined } {
  const uuid = lastOf(lines, 'UUID');
  return {
    name,
    ...(uuid && { uuid }),
    isDefault,
    isEnabled: !isKeyword(lastOf(lines, 'State') ?? '', 'stopped'),
    isAccepting: isYes(lastOf(lines, 'Accepting') ?? 'yes'),
    isShared: isYes(lastOf(lines, 'Shared') ?? 'yes'),
    settings: SETTINGS.flatMap((setting) =>
      lines
        .filter(({ keyword, value }) => isKeyword(keyword, setting) && value !== '')
        .map(({ value }): Setting => ({ name: setting, value })),
    ),
  } as Queue & { type?: undefined };
}

/** What a queue's block is written from, beside the queue itself. */
export interface BlockAbout {
  readonly id: number;
  readonly isDefault: boolean;
  readonly keepsUuid: boolean;
  readonly nowMs: number;
}

/** The block as cupsd would write it, idle or stopped as of now. The settings have their users' names there already. */
export function blockOf(queue: Queue, about: BlockAbout): QueueBlock {
  const seconds = String(Math.floor(about.nowMs / 1000));
  const line = (keyword: string, value: string) => writeConfLine({ keyword, value });
  const settings = (...names: readonly SettingName[]) =>
    names.flatMap((name) => queue.settings.filter((one) => one.name === name).map((one) => line(name, one.value)));
  const isPrinter = 'deviceUri' in queue;
  return {
    kind: isPrinter ? 'Printer' : 'Class',
    name: queue.name,
    isDefault: about.isDefault,
    lines: [
      line('PrinterId', String(about.id)),
      ...(queue.uuid && about.keepsUuid ? [line('UUID', queue.uuid)] : []),
      ...settings(...SETTINGS.slice(0, SETTINGS.indexOf('PortMonitor'))),
      ...(isPrinter ? [line('DeviceURI', queue.deviceUri)] : []),
      ...settings('PortMonitor'),
      line('State', queue.isEnabled ? 'Idle' : 'Stopped'),
      line('StateTime', seconds),
      ...(isPrinter ? [line('ConfigTime', seconds)] : []),
      ...(queue.isEnabled ? [] : [line('Reason', 'paused')]),
      ...(isPrinter && queue.type !== undefined ? [line('Type', String(queue.type))] : []),
      line('Accepting', queue.isAccepting ? 'Yes' : 'No'),
      line('Shared', queue.isShared ? 'Yes' : 'No'),
      ...settings('JobSheets'),
      ...(isPrinter ? [] : queue.members.map((member) => line('Printer', member))),
      ...settings(...SETTINGS.slice(SETTINGS.indexOf('QuotaPeriod'))),
    ],
  };
}

/** The settings with the names that their users and groups have on the target. */
export function mapUsers<Q extends Queue>(queue: Q, owners: Owners): Q {
  const settings = queue.settings.map((one): Setting => {
    if (one.name !== 'AllowUser' && one.name !== 'DenyUser') return one;
    const name = one.value.startsWith('@') ? `@${owners.group(one.value.slice(1))}` : owners.user(one.value);
    return { name: one.name, value: name };
  });
  return { ...queue, settings };
}

/** The number of a block, 0 where it has none. */
export function idOf(block: QueueBlock): number {
  const id = Number(lastOf(readLines(block), 'PrinterId'));
  return Number.isSafeInteger(id) && id > 0 ? id : 0;
}

const readLines = ({ lines }: QueueBlock): ConfLine[] =>
  lines.map((line) => readConfLine(line)).filter((line) => line !== undefined);

function lastOf(lines: readonly ConfLine[], keyword: string): string | undefined {
  return lines.findLast((line) => isKeyword(line.keyword, keyword))?.value;
}

const isKeyword = (text: string, keyword: string): boolean => text.toLowerCase() === keyword.toLowerCase();

const isYes = (value: string): boolean => ['yes', 'on', 'true'].includes(value.toLowerCase());
