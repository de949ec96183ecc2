import { formatBytes } from '../../../common/sizes.ts';
import type { CheckItem, Verdict } from '../base/check-item.ts';
import { hasContentOf } from '../base/config-file.ts';
import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import { isRandomKey, keyText, parseCrypttab } from './crypttab.ts';
import { deviceText, filesNamedBy } from './fit-line.ts';
import { type FstabEntry, parseFstab } from './fstab.ts';
import { isSystemPath } from './line-kind.ts';
import { type Mount, readMounts, sizesOf } from './mounts.ts';
import { hasSameOptions, isSameDevice, lineFor, type Placing, placingsOf } from './placing.ts';
import { proposal, TargetDisks } from './propose.ts';
import type { FilesystemsContent } from './schema.ts';

type Judged = readonly [verdict: Verdict, observed: string, remedy?: string];

export function checkFilesystems(content: FilesystemsContent, system: System, about: RestoreAbout): CheckItem[] {
  const target: Target = {
    system,
    entries: parseFstab(system.text('/etc/fstab') ?? '').entries,
    mounts: readMounts(system),
    disks: new TargetDisks(system),
    absentFiles: new Set(content.absentFiles),
  };
  return [
    ...placingsOf(content, about.owners).map((placing) => {
      const { id, title, expected } = placing;
      return item(id, title, expected, '/etc/fstab', judgeLine(placing, target));
    }),
    ...cryptItems(content, system),
    ...credentialItems(content, system),
  ];
}

interface Target {
  readonly system: System;
  readonly entries: readonly FstabEntry[];
  readonly mounts: readonly Mount[];
  readonly disks: TargetDisks;
  readonly absentFiles: ReadonlySet<string>;
}

function item(
  id: string,
  title: string,
  expected: string,
  evidence: string,
  [verdict, observed, remedy]: Judged,
): CheckItem {
  const base = { id, group: 'filesystems', title, expected, observed, verdict, evidence };
  return remedy === undefined ? base : { ...base, remedy };
}

function judgeLine(placing: Placing, target: Target): Judged {
  const there = lineFor(placing, target.entries);
  if (!there) return judgeMissing(placing, target);
  const { kind, fitted, captured } = placing;
  if (!isSameDevice(there, fitted.entry)) {
    if (kind === 'disk' || kind === 'swap')
      return tooSmall(placing, target) ?? ['changed', `${there.type} on ${deviceText(there.device)}`];
    return [
      'person',
      `${there.type} from ${deviceText(there.device)}`,
      `see which of both belongs at ${fitted.entry.path}`,
    ];
  }
  const named = filesNamedBy(there).find(
    (path) => !target.system.facts(path) && !target.system.isUnreadable(path) && !target.absentFiles.has(path),
  );
  if (named)
    return ['person', `it names ${named}, which is not there`, `copy ${named} from the old machine, for root alone`];
  if (hasSameOptions(there, captured)) return tooSmall(placing, target) ?? ['same', 'in /etc/fstab'];
  if (hasSameOptions(there, fitted.entry)) return ['changed', `in /etc/fstab; ${fitted.notes.join('; ')}`];
  return ['changed', 'in /etc/fstab, with other options'];
}

function judgeMissing(placing: Placing, { mounts, disks }: Target): Judged {
  const { kind, captured, fitted, was } = placing;
  const { path } = fitted.entry;
  const mounted = mounts.findLast(({ mountPoint }) => mountPoint === path);
  if (kind === 'kernel') return ['changed', 'as each system mounts it'];
  if (kind === 'swap')
    return ['person', 'no swap in /etc/fstab', 'make some if this machine should sleep to disk or lacks memory'];
  if (kind === 'disk' && mounted)
    return ['changed', `${mounted.fsType} on ${deviceText(mounted.device)}, not by /etc/fstab`];
  if (kind === 'disk' && isSystemPath(path)) return ['changed', 'as this installation has it'];
  if (kind === 'disk' && !disks.withUuidOf(captured))
    return ['person', 'nothing is mounted there', proposal(captured, was, disks)];
  if (kind !== 'disk' && isSystemPath(path))
    return ['person', 'left to a person', `add the line for ${path} to /etc/fstab`];
  return ['failed', 'no line in /etc/fstab', `restore the area filesystems again, or add the line for ${path}`];
}

/** What is mounted there now must hold what was used. */
function tooSmall({ was, fitted }: Placing, { mounts, system }: Target): Judged | undefined {
  const { path } = fitted.entry;
  const mount = mounts.findLast(({ mountPoint }) => mountPoint === path);
  const { sizeBytes } = mount && system.isLive ? sizesOf(mount) : {};
  if (sizeBytes === undefined || was?.usedBytes === undefined || sizeBytes >= was.usedBytes) return undefined;
  const observed = `${formatBytes(sizeBytes)}, and ${formatBytes(was.usedBytes)} were used`;
  return ['person', observed, `make ${path} larger, or leave files out`];
}

function cryptItems({ crypttab }: FilesystemsContent, system: System): CheckItem[] {
  const here = parseCrypttab(system.text('/etc/crypttab') ?? '').entries;
  return crypttab.map((entry) => {
    const there = here.find(({ name }) => name === entry.name);
    const remedy = `add ${entry.name.slice(0, 100)} to /etc/crypttab if that disk is here`;
    const judged: Judged = there
      ? [there.device === entry.device ? 'same' : 'changed', `on ${there.device.slice(0, 200)}`]
      : entry.isBoundToHardware || isRandomKey(entry)
        ? ['skipped', 'not carried: its key is of the old machine alone']
        : ['person', 'not in /etc/crypttab', remedy];
    const expected = `${entry.device.slice(0, 200)}, opened by ${keyText(entry).slice(0, 300)}`;
    return item(`crypt:${entry.name}`, `Encrypted disk ${entry.name.slice(0, 100)}`, expected, '/etc/crypttab', judged);
  });
}

function credentialItems({ credentials }: FilesystemsContent, system: System): CheckItem[] {
  return credentials.map((file) => {
    const facts = system.facts(file.path);
    const isOpen = facts !== undefined && (facts.mode & 0o077) !== 0 && (file.mode & 0o077) === 0;
    const judged = judgeCredentials(file.path, facts !== undefined, hasContentOf(system, file), isOpen);
    const title = `User and password of a share in ${file.path.slice(0, 200)}`;
    return item(`credentials:${file.path}`, title, 'as captured', file.path, judged);
  });
}

function judgeCredentials(path: string, isThere: boolean, isSame: boolean, isOpen: boolean): Judged {
  if (!isThere) return ['failed', 'it is not there', `copy ${path} from the old machine, for root alone`];
  if (!isSame) return ['person', 'this machine has its own', `see whether ${path} has the right user`];
  return isOpen ? ['failed', 'others may read it', `chmod 600 ${path}`] : ['same', 'it is there'];
}
