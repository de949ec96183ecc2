import type { SystemFiles } from './system-files.ts';

/** What makers write into SMBIOS of machines that are none, and how that is called. */
const HYPERVISORS: readonly (readonly [pattern: RegExp, shown: string])[] = [
  [/\b(qemu|kvm|bochs|seabios)\b/i, 'a virtual machine (KVM)'],
  [/vmware/i, 'a virtual machine (VMware)'],
  [/innotek|virtualbox/i, 'a virtual machine (VirtualBox)'],
  [/\bxen\b/i, 'a virtual machine (Xen)'],
  [/parallels/i, 'a virtual machine (Parallels)'],
  [/\bbhyve\b/i, 'a virtual machine (bhyve)'],
  [/apple virtualization/i, 'a virtual machine (Apple)'],
  [/amazon ec2|google compute|openstack|digitalocean|alibaba cloud|vultr|hetzner/i, 'a machine in a cloud'],
  [/virtual (machine|platform)|vserver|nutanix ahv/i, 'a virtual machine'],
];

/** Files that only a container has. */
const CONTAINER_FILES: readonly (readonly [path: string, shown: string])[] = [
  ['/.dockerenv', 'a container (Docker)'],
  ['/run/.containerenv', 'a container (Podman)'],
  ['/run/systemd/container', 'a container'],
];

/** What virtual machine or container this is, from files alone; null on real hardware. */
export function detectVirtual(files: SystemFiles): string | null {
  for (const [path, shown] of CONTAINER_FILES) if (files.exists(path)) return shown;
  if (/(docker|lxc|kubepods|libpod)/.test(files.text('/proc/1/cgroup') ?? '')) return 'a container';
  const smbios = ['sys_vendor', 'product_name', 'board_vendor', 'bios_vendor', 'chassis_vendor']
    .map((name) => files.text(`/sys/class/dmi/id/${name}`) ?? '')
    .join('\n');
  const known = HYPERVISORS.find(([pattern]) => pattern.test(smbios));
  if (known) return known[1];
  if (files.exists('/sys/hypervisor/type')) return `a virtual machine (${files.text('/sys/hypervisor/type')})`;
  // Hypervisors set this flag for their guests; no processor has it.
  return /^flags\s*:.*\bhypervisor\b/m.test(files.text('/proc/cpuinfo') ?? '') ? 'a virtual machine' : null;
}
