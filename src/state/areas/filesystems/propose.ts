import { formatBytes } from '../../../common/sizes.ts';
import type { System } from '../base/system.ts';
import { readDevices } from './devices.ts';
import { type FstabEntry, fstabLine, parseFstab } from './fstab.ts';
import type { BlockDevice, FilesystemsContent } from './schema.ts';

/** File systems that one command makes, with how it takes a label. */
const MAKERS: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    ext2: 'mkfs.ext2 -L',
    ext3: 'mkfs.ext3 -L',
    ext4: 'mkfs.ext4 -L',
    xfs: 'mkfs.xfs -L',
    btrfs: 'mkfs.btrfs -L',
    f2fs: 'mkfs.f2fs -l',
    vfat: 'mkfs.vfat -n',
    ntfs: 'mkfs.ntfs -f -L',
    exfat: 'mkfs.exfat -L',
  }),
);
/** A file system is of the size class of another one where neither is a quarter larger. */
const SIZE_CLASS = 1.25;

/** The block devices of a target that is restored to, read once. */
export class TargetDisks {
  /** None where it does not run. */
  readonly devices: readonly BlockDevice[];
  readonly #fstab: readonly FstabEntry[];

  constructor(system: System) {
    this.devices = readDevices(system);
    this.#fstab = parseFstab(system.text('/etc/fstab') ?? '').entries;
  }

  /** The very file system that a line names, attached here. */
  withUuidOf({ device }: FstabEntry): BlockDevice | undefined {
    const uuid = /^UUID="?([\w-]+)"?$/i.exec(device)?.[1]?.toLowerCase();
    return uuid === undefined ? undefined : this.devices.find((one) => one.uuid?.toLowerCase() === uuid);
  }

  /** One of the label, or the only free one of its type and size class. */
  standInFor(entry: FstabEntry, was: BlockDevice | undefined): BlockDevice | undefined {
    const label = was?.label ?? /^LABEL="?(.*?)"?$/.exec(entry.device)?.[1];
    const free = this.devices.filter((one) => one.uuid !== undefined && this.#isFree(one));
    const labelled = label === undefined ? [] : free.filter((one) => one.label === label);
    if (labelled.length === 1) return labelled[0];
    if (!was) return undefined;
    const alike = free.filter((one) => one.type === entry.type && ratio(one.sizeBytes, was.sizeBytes) <= SIZE_CLASS);
    return alike.length === 1 ? alike[0] : undefined;
  }

  #isFree({ name, uuid, label, mountPoint }: BlockDevice): boolean {
    const specs = new Set([name, `UUID=${uuid}`, `LABEL=${label}`]);
    return mountPoint === undefined && !this.#fstab.some(({ device }) => specs.has(device.replaceAll('"', '')));
  }
}

const ratio = (one: number, other: number): number =>
  one === 0 || other === 0 ? Infinity : Math.max(one / other, other / one);

/** What the source had behind a line. */
export function deviceBehind({ device, path }: FstabEntry, { devices }: FilesystemsContent): BlockDevice | undefined {
  const spec = device.replaceAll('"', '');
  return (
    devices.find(({ mountPoint }) => mountPoint === path) ??
    devices.find(({ name, uuid, label, volume }) =>
      [name, uuid && `UUID=${uuid}`, label && `LABEL=${label}`, volume && `/dev/${volume}`].includes(spec),
    )
  );
}

/** `ext4, 1.8 TiB of which 900 GiB are used, volume vg0/data`. */
export function describe(entry: Pick<FstabEntry, 'type'>, was: BlockDevice | undefined): string {
  if (!was) return entry.type;
  const used = was.usedBytes === undefined ? '' : ` of which ${formatBytes(was.usedBytes)} are used`;
  const name = was.volume ? `, volume ${was.volume}` : was.label ? `, label ${was.label}` : '';
  return `${was.type ?? entry.type}, ${formatBytes(was.sizeBytes)}${used}${name}`
    .replaceAll(/\p{Cc}/gu, ' ')
    .slice(0, 300);
}

/** Commands for a person, never run: what mounts the file system that stands in, or what makes one. */
export function proposal(entry: FstabEntry, was: BlockDevice | undefined, disks: TargetDisks): string {
  const had = `the old machine had ${describe(entry, was)} at ${entry.path}`;
  const standIn = disks.standInFor(entry, was);
  const line = (device: string): string => fstabLine({ ...entry, device, options: withNofail(entry.options) });
  if (standIn?.uuid) {
    const known = `${standIn.name} here is ${standIn.type}, ${formatBytes(standIn.sizeBytes)}, and free`;
    const text = line(`UUID=${standIn.uuid}`).replaceAll('\t', ' ');
    if (!isPlain(text, entry.path)) return `${had}; ${known}: mount it there by a line in /etc/fstab`;
    return `${had}; ${known}: if it should be that, run: echo '${text}' >> /etc/fstab && mkdir -p ${entry.path} && mount ${entry.path}`;
  }
  const type = was?.type ?? entry.type;
  const maker = MAKERS.get(type);
  const name = was?.label ?? was?.volume?.split('/')[1] ?? entry.path.split('/').at(-1) ?? '';
  if (!maker || !isPlain(name, entry.path, ...entry.options))
    return `${had}; nothing here stands for it: choose a disk, and mount it there`;
  const [group, volume] = was?.volume?.split('/') ?? [];
  const made = group && volume && was && isPlain(group, volume);
  const device = made ? `/dev/${group}/${volume}` : '/dev/DISK';
  const create = made ? `lvcreate -L ${was.sizeBytes}b -n ${volume} ${group} && ` : '';
  const text = line(`LABEL=${name}`).replaceAll('\t', ' ');
  const which = made ? '' : ', with the empty disk that you choose in place of /dev/DISK';
  return `${had}; nothing here stands for it. To make it (this empties the disk)${which}: ${create}${maker} ${name} ${device} && echo '${text}' >> /etc/fstab && mkdir -p ${entry.path} && mount ${entry.path}`;
}

const withNofail = (options: readonly string[]): string[] =>
  options.includes('nofail') || options.includes('noauto')
    ? [...options]
    : [...options.filter((option) => option !== 'defaults'), 'nofail'];

/** Nothing in a command that somebody may paste is more than a word to a shell. */
const isPlain = (...words: readonly string[]): boolean =>
  words.every((word) => /^[\w./:=@,+% -]+$/.test(word) && !/(?:^|\s)-/.test(word));
