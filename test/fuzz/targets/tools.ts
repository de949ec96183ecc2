/** What a running machine's programs say when an area asks them: they may be of any version, and say anything. */
import type { System, ToolResult } from '../../../src/state/areas/base/system.ts';
import type { Area } from '../../../src/state/areas/base/types.ts';
import { readDevices, readVolumeGroups } from '../../../src/state/areas/filesystems/devices.ts';
import { readMounts } from '../../../src/state/areas/filesystems/mounts.ts';
import { filesystemsContent } from '../../../src/state/areas/filesystems/schema.ts';
import { readFacts } from '../../../src/state/areas/network/facts.ts';
import { networkContent } from '../../../src/state/areas/network/schema.ts';
import { type Target, target } from '../target.ts';
import { MemoryMachine } from './machine.ts';
import { FILES } from './machine-files.ts';
import { textOf } from './texts.ts';

const machine = new MemoryMachine({
  ...FILES,
  '/proc/self/mounts': '/dev/sda1 / ext4 rw 0 0\nnas:/x /mnt/x nfs4 rw,addr=1.2.3.4 0 0\n',
  '/sys/class/net/eth0/address': '00:11:22:33:44:55\n',
  '/sys/class/net/eth0/type': '1\n',
  '/sys/class/net/eth0/mtu': '1500\n',
  '/sys/class/net/eth0/carrier': '1\n',
  '/sys/class/net/eth0/uevent': 'INTERFACE=eth0\nDEVTYPE=wlan\n',
});

/** Alive: each program says the same. */
function alive(stdout: string, files: System = machine): System {
  const answer: ToolResult = { status: 0, stdout, stderr: '' };
  return Object.assign(Object.create(files) as object, {
    ...{ root: '/', isLive: true, asRoot: true, run: () => answer },
    facts: files.facts.bind(files),
    read: files.read.bind(files),
    text: files.text.bind(files),
    list: files.list.bind(files),
    readLink: files.readLink.bind(files),
    isUnreadable: () => false,
  }) as System;
}

function mustFit(schema: Area['schema'], value: unknown): void {
  const parsed = schema.safeParse(JSON.parse(JSON.stringify(value)));
  const [issue] = parsed.error?.issues ?? [];
  if (issue) throw new Error(`its schema refuses what a program said: ${issue.path.join('.')}: ${issue.message}`);
}

const LSBLK = {
  blockdevices: [
    {
      ...{ path: '/dev/sda', type: 'disk', size: 512_000, fstype: null, label: null, uuid: null },
      children: [{ path: '/dev/mapper/vg0-data', type: 'lvm', size: '1000', fstype: 'ext4', label: 'x', uuid: 'a-b' }],
    },
  ],
};
const VGS = {
  report: [{ vg: [{ vg_name: 'vg0', vg_size: '1000', vg_free: 10 }], pv: [{ pv_name: '/dev/sda', vg_name: 'vg0' }] }],
};
const ADDRESSES = [
  {
    ifname: 'eth0',
    gateway: '10.0.0.1',
    dev: 'eth0',
    addr_info: [{ local: '10.0.0.2', prefixlen: 24, scope: 'global', dynamic: true }],
  },
];

const tool = (name: string, said: unknown, decode: (text: string) => void): Target =>
  target({
    ...{
      name: `tool-${name}`,
      shape: 'json',
      refusals: [],
      words: ['10.0.0.1', 'fe80::1', 'x'.repeat(300), '-1', 'lvm'],
    },
    valid: () => Buffer.from(JSON.stringify(said)),
    decode: (bytes) => decode(textOf(bytes)),
  });

export const TOOLS: readonly Target[] = [
  tool('lsblk', LSBLK, (text) => mustFit(filesystemsContent.shape.devices, readDevices(alive(text)))),
  tool('lvm', VGS, (text) => {
    const devices = [{ name: '/dev/sda', kind: 'lvm', sizeBytes: 1 }];
    mustFit(filesystemsContent.shape.volumeGroups, readVolumeGroups(alive(text), devices));
  }),
  tool('ip', ADDRESSES, (text) => mustFit(networkContent.shape.facts, readFacts(alive(text)))),
  target({
    ...{ name: 'parser-mounts', shape: 'lines', refusals: [], words: ['\\040', '\\777', 'autofs', '/'] },
    valid: () => machine.read('/proc/self/mounts')!,
    decode: (bytes) => readMounts(alive('', machine.with('/proc/self/mounts', Buffer.from(bytes)))),
  }),
  ...['address', 'type', 'mtu', 'carrier', 'uevent'].map((name) =>
    target({
      ...{
        name: `parser-net-${name}`,
        shape: 'lines',
        refusals: [],
        weight: 0.3,
        words: ['DEVTYPE=constructor', '-1', '1e9'],
      },
      valid: () => machine.read(`/sys/class/net/eth0/${name}`)!,
      decode: (bytes) => {
        const other = machine.with(`/sys/class/net/eth0/${name}`, Buffer.from(bytes));
        mustFit(networkContent.shape.facts, readFacts(alive('[]', other)));
      },
    }),
  ),
];
