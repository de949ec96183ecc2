import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { ResettleError } from '../../../src/common/errors.ts';
import { readLinuxFacts } from '../../../src/node/hardware/linux.ts';
import { openHardware } from '../../../src/node/hardware/open.ts';
import { SystemFiles } from '../../../src/node/hardware/system-files.ts';

const dir = mkdtempSync(join(tmpdir(), 'resettle-hardware-'));
after(() => rmSync(dir, { recursive: true, force: true }));
let count = 0;

/** A system made of files: paths to text. */
function system(files: Readonly<Record<string, string>>, links: Readonly<Record<string, string>> = {}): SystemFiles {
  count += 1;
  const root = join(dir, String(count));
  mkdirSync(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  }
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(join(root, target), { recursive: true });
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(join(root, target), join(root, path));
  }
  return new SystemFiles(root);
}

const adapter = (name: string, address: string, assigned = '0', type = '1'): Record<string, string> => ({
  [`sys/class/net/${name}/address`]: address,
  [`sys/class/net/${name}/addr_assign_type`]: assigned,
  [`sys/class/net/${name}/type`]: type,
});

test('of real hardware, SMBIOS numbers and permanent addresses of built-in adapters are read', () => {
  const facts = readLinuxFacts(
    system(
      {
        'sys/class/dmi/id/product_uuid': '7e1c8f0a-2b3d-4c5e-8f90-a1b2c3d4e5f6',
        'sys/class/dmi/id/product_serial': 'PF3A7XQ9',
        'sys/class/dmi/id/board_serial': '',
        'sys/class/dmi/id/sys_vendor': 'LENOVO',
        'proc/cpuinfo': 'processor : 0\nflags\t\t: fpu vme sse2',
        ...adapter('eth0', 'a4:bb:6d:01:02:03'),
        ...adapter('eth1', 'a4:bb:6d:01:02:04', '3'),
        ...adapter('bond0s', 'a4:bb:6d:00:00:00', '3'),
        'sys/class/net/bond0s/bonding_slave/perm_hwaddr': 'a4:bb:6d:01:02:05',
        ...adapter('wlan0', '5e:11:22:33:44:55', '3'),
        'sys/class/net/wlan0/phy80211/macaddress': '3c:58:c2:0a:0b:0c',
        ...adapter('dock', '00:e0:4c:01:02:03'),
        ...adapter('veth1', 'a4:bb:6d:01:02:06'),
        ...adapter('ib0', 'a4:bb:6d:01:02:07', '0', '32'),
        ...adapter('lo', '00:00:00:00:00:00', '0', '772'),
      },
      Object.fromEntries(
        ['eth0', 'eth1', 'bond0s', 'wlan0', 'ib0']
          .map((name) => [`sys/class/net/${name}/device`, `sys/devices/pci0/${name}`])
          .concat([['sys/class/net/dock/device', 'sys/devices/pci0/usb2/2-1']]),
      ),
    ),
  );
  assert.deepEqual(facts, {
    productUuid: '7e1c8f0a-2b3d-4c5e-8f90-a1b2c3d4e5f6',
    productSerial: 'PF3A7XQ9',
    boardSerial: null,
    chassisSerial: null,
    macs: ['a4:bb:6d:01:02:05', 'a4:bb:6d:01:02:03', '3c:58:c2:0a:0b:0c'],
    virtual: null,
  });
});

test('virtual machines and containers are told from files', () => {
  const virtual = (files: Record<string, string>): string | null => readLinuxFacts(system(files)).virtual;
  assert.match(virtual({ 'sys/class/dmi/id/sys_vendor': 'QEMU' })!, /KVM/);
  assert.match(virtual({ 'sys/class/dmi/id/sys_vendor': 'innotek GmbH' })!, /VirtualBox/);
  assert.match(virtual({ 'sys/class/dmi/id/product_name': 'Virtual Machine' })!, /virtual machine/);
  assert.match(virtual({ 'sys/class/dmi/id/bios_vendor': 'Amazon EC2' })!, /cloud/);
  assert.match(virtual({ 'sys/hypervisor/type': 'xen' })!, /xen/);
  assert.match(virtual({ 'proc/cpuinfo': 'flags\t\t: fpu hypervisor sse2' })!, /virtual machine/);
  assert.match(virtual({ '.dockerenv': '' })!, /Docker/);
  assert.match(virtual({ 'run/systemd/container': 'lxc' })!, /container/);
  assert.match(virtual({ 'proc/1/cgroup': '0::/kubepods/pod1' })!, /container/);
  assert.equal(virtual({}), null);
});

test('a file can stand for the hardware, and a bad one is an error that names it', () => {
  const file = join(dir, 'hardware.json');
  const read = (content: string) => {
    writeFileSync(file, content);
    return openHardware({ RESETTLE_HARDWARE_FILE: file }).read();
  };
  const facts = read('{"productSerial":"PF3A7XQ9","macs":["a4:bb:6d:01:02:03"]}');
  assert.equal(facts.productSerial, 'PF3A7XQ9');
  assert.deepEqual(facts.macs, ['a4:bb:6d:01:02:03']);
  assert.equal(facts.virtual, null);
  for (const bad of ['', '{', '[]', '{"serial":"x"}', '{"macs":"x"}']) {
    assert.throws(
      () => read(bad),
      (error) => error instanceof ResettleError && error.code === 'failed' && error.message.includes(file),
    );
  }
  assert.throws(() => openHardware({ RESETTLE_HARDWARE_FILE: join(dir, 'none') }).read(), ResettleError);
});

test('the machine that runs this test can be read', () => {
  const facts = openHardware({}).read();
  assert.ok(facts.macs.every((mac) => /^[0-9a-f:]{17}$/.test(mac)));
});
