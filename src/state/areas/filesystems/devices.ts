import { z } from 'zod';
import type { System } from '../base/system.ts';
import type { CouldNot } from '../base/types.ts';
import { lvmNameOf, readMounts, sizesOf } from './mounts.ts';
import { type BlockDevice, blockDevice, type FilesystemsContent, volumeGroup } from './schema.ts';

const COLUMNS = 'PATH,TYPE,SIZE,FSTYPE,LABEL,UUID';
const text = z.string().nullish();
const lsblkDevice = z.object({
  path: z.string(),
  type: text,
  size: z.union([z.number(), z.string()]).nullish(),
  fstype: text,
  label: text,
  uuid: text,
});
const lsblkTree = lsblkDevice.extend({
  get children() {
    return z.array(lsblkTree).optional();
  },
});
type LsblkDevice = z.infer<typeof lsblkTree>;

/** Block devices of the running machine, with what is on them; none where it does not run. */
export function readDevices(system: System, couldNot: CouldNot[] = []): BlockDevice[] {
  if (!system.isLive) return [];
  const answer = system.run('lsblk', ['-J', '-b', '-o', COLUMNS]);
  const tree = z.object({ blockdevices: z.array(lsblkTree) }).safeParse(jsonOf(answer?.stdout));
  if (!tree.success) {
    couldNot.push({ what: 'disks of this machine', why: 'the program lsblk did not tell; install util-linux' });
    return [];
  }
  const mounts = readMounts(system);
  const seen = new Set<string>();
  return tree.data.blockdevices
    .flatMap(withChildren)
    .flatMap((device): BlockDevice[] => {
      // A volume over two disks stands beneath each of them.
      if (seen.has(device.path)) return [];
      seen.add(device.path);
      const mount = mounts.find((one) => one.device === device.path);
      const { usedBytes } = mount ? sizesOf(mount) : {};
      const volume = device.type === 'lvm' ? lvmNameOf(device.path) : undefined;
      const short = (value: string | null | undefined): string | undefined => value?.slice(0, 255) || undefined;
      const facts = { type: short(device.fstype), label: short(device.label), uuid: short(device.uuid), volume };
      return [
        {
          name: device.path.slice(0, 255),
          kind: short(device.type) ?? '',
          sizeBytes: Math.max(0, Number(device.size ?? 0)) || 0,
          ...(Object.fromEntries(
            Object.entries(facts).filter(([, value]) => value !== undefined),
          ) as Partial<BlockDevice>),
          ...(mount && { mountPoint: mount.mountPoint }),
          ...(usedBytes !== undefined && { usedBytes }),
        },
      ];
    })
    .filter((device) => blockDevice.safeParse(device).success);
}

const withChildren = (device: LsblkDevice): LsblkDevice[] => [device, ...(device.children ?? []).flatMap(withChildren)];

const number = z.union([z.string(), z.number()]).transform(Number);
const groupReport = z.object({
  report: z.array(z.object({ vg: z.array(z.object({ vg_name: z.string(), vg_size: number, vg_free: number })) })),
});
const diskReport = z.object({
  report: z.array(z.object({ pv: z.array(z.object({ pv_name: z.string(), vg_name: z.string() })) })),
});

/** LVM's groups; asked only where a device is LVM's, since its programs take their time. */
export function readVolumeGroups(system: System, devices: readonly BlockDevice[]): FilesystemsContent['volumeGroups'] {
  if (!devices.some(({ kind, type }) => kind === 'lvm' || type === 'LVM2_member')) return [];
  const report = (tool: string, columns: string): unknown =>
    jsonOf(system.run(tool, ['--reportformat', 'json', '--units', 'b', '--nosuffix', '-o', columns])?.stdout);
  const groups = groupReport.safeParse(report('vgs', 'vg_name,vg_size,vg_free')).data?.report ?? [];
  const disks = (diskReport.safeParse(report('pvs', 'pv_name,vg_name')).data?.report ?? []).flatMap(({ pv }) => pv);
  return groups
    .flatMap(({ vg }) => vg)
    .map(({ vg_name: name, vg_size: sizeBytes, vg_free: freeBytes }) => ({
      name,
      sizeBytes,
      freeBytes,
      disks: disks.filter((disk) => disk.vg_name === name).map((disk) => disk.pv_name),
    }))
    .filter((group) => volumeGroup.safeParse(group).success);
}

function jsonOf(output: string | undefined): unknown {
  try {
    return JSON.parse(output ?? '');
  } catch {
    return undefined;
  }
}
