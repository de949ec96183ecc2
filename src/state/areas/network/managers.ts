import type { System } from '../base/system.ts';
import { MANAGERS, type Manager } from './schema.ts';

const PROGRAMS: Readonly<Record<Manager, readonly string[]>> = {
  NetworkManager: ['/usr/sbin/NetworkManager', '/usr/bin/NetworkManager'],
  netplan: ['/usr/sbin/netplan', '/usr/bin/netplan'],
  ifupdown: ['/sbin/ifup', '/usr/sbin/ifup'],
  'systemd-networkd': ['/lib/systemd/systemd-networkd', '/usr/lib/systemd/systemd-networkd'],
};

export const isInstalled = (system: System, manager: Manager): boolean =>
  PROGRAMS[manager].some((path) => system.facts(path) !== undefined);

export const managersOf = (system: System): Manager[] => MANAGERS.filter((manager) => isInstalled(system, manager));
