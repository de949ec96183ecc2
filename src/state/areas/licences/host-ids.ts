import type { System } from '../base/system.ts';

/** Ids that are met by whoever has a name, an account, a screen or a dongle, not by one machine. */
const FREE = /^(ANY|DEMO|PERMANENT|ID=.*|USER=.*|DISPLAY=.*|GROUP=.*|INTERNET=[\d.]*\*[\d.*]*|IP=[\d.]*\*[\d.*]*)$/i;
const DONGLE = /^(FLEXID\d*=.*|[6-9]-[0-9A-F]{6,}|10-[0-9A-F]{6,}|RLMID\d=.*)$/i;

/** Whether a host id is met on any machine; a dongle's is, where it is plugged in. */
export const isFree = (hostId: string): boolean => FREE.test(hostId) || DONGLE.test(hostId);
export const isDongle = (hostId: string): boolean => DONGLE.test(hostId);

/** As it is compared: FlexNet and RLM write the same address with and without colons, prefixes and capitals. */
export function plainHostId(hostId: string): string {
  const value = hostId.replace(/^(ETHER|ETHERNET|PHYSICAL)=/i, '').toLowerCase();
  const bare = value.replaceAll(/[:-]/g, '');
  return /^[0-9a-f]{12}$/.test(bare) ? bare : value;
}

/**
 * The addresses of physical adapters as `lmhostid` shows them: twelve hexadecimal digits, lower case, no colons. Only a live
 * machine has them; ascending by adapter, wired ones first.
 */
export function hostIdsOf(system: System): string[] {
  if (!system.isLive) return [];
  const names = system.list('/sys/class/net');
  const physical = names.filter((name) => system.facts(`/sys/class/net/${name}/device`) !== undefined);
  return [...physical.filter((name) => !name.startsWith('w')), ...physical.filter((name) => name.startsWith('w'))]
    .map((name) => plainHostId((system.text(`/sys/class/net/${name}/address`) ?? '').trim()))
    .filter((id) => /^[0-9a-f]{12}$/.test(id) && !/^0+$/.test(id));
}

/** Names that this machine goes by in licence files: the short one and those that /etc/hosts gives it. */
export function namesOf(system: System): string[] {
  const own = (system.text('/etc/hostname') ?? '').trim().toLowerCase();
  if (!isHostName(own)) return [];
  const short = own.split('.')[0] ?? own;
  const lines = (system.text('/etc/hosts') ?? '')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().split(/\s+/));
  const aliases = lines
    .map(([, ...names]) => names.map((name) => name.toLowerCase()))
    .filter((names) => names.some((name) => name === own || name === short))
    .flat()
    .filter((name) => isHostName(name) && name.split('.')[0] === short);
  return [...new Set([short, own, ...aliases])].slice(0, 100);
}

export const isHostName = (text: string): boolean =>
  text.length <= 253 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(text);
