import type { System } from '../base/system.ts';
import type { Adapter, AdapterKind } from './schema.ts';

const CLASS = '/sys/class/net';
const LOOPBACK = '772';
const INFINIBAND = '32';

/** Kinds that people plug in or switch on. The others are made by settings. */
export const PHYSICAL_KINDS: ReadonlySet<AdapterKind> = new Set(['ethernet', 'wifi', 'mobile', 'infiniband']);

/** What the running machine has, loopback left out; none where it does not run. */
export function readAdapters(system: System): Adapter[] {
  if (!system.isLive) return [];
  return system.list(CLASS).flatMap((name): Adapter[] => {
    const value = (file: string): string | undefined => system.text(`${CLASS}/${name}/${file}`)?.trim();
    const type = value('type');
    if (type === undefined || type === LOOPBACK) return [];
    const mac = value('address')?.toLowerCase();
    const mtu = Number(value('mtu') ?? Number.NaN);
    const carrier = value('carrier');
    return [
      {
        interface: name,
        kind: kindOf(system, name, type),
        ...(mac && /^[0-9a-f]{2}(:[0-9a-f]{2}){5,19}$/.test(mac) && { mac }),
        ...(Number.isInteger(mtu) && { mtu }),
        ...(carrier && { hasCarrier: carrier === '1' }),
      },
    ];
  });
}

const KIND_BY_DEVICE_TYPE: ReadonlyMap<string, AdapterKind> = new Map(
  Object.entries<AdapterKind>({
    wlan: 'wifi',
    wwan: 'mobile',
    bridge: 'bridge',
    bond: 'bond',
    vlan: 'vlan',
    wireguard: 'wireguard',
  }),
);

function kindOf(system: System, name: string, type: string): AdapterKind {
  const has = (file: string): boolean => system.facts(`${CLASS}/${name}/${file}`) !== undefined;
  const deviceType = /^DEVTYPE=(.*)$/m.exec(system.text(`${CLASS}/${name}/uevent`) ?? '')?.[1] ?? '';
  const known = KIND_BY_DEVICE_TYPE.get(deviceType);
  if (known) return known;
  if (has('wireless') || has('phy80211')) return 'wifi';
  if (has('bridge')) return 'bridge';
  if (has('bonding')) return 'bond';
  if (has('tun_flags')) return 'tunnel';
  if (type === INFINIBAND) return 'infiniband';
  if (type !== '1') return 'tunnel';
  // A container's or guest's own adapter has no device behind it, and is its Ethernet all the same.
  return has('device') || /^(?:en|eth)/.test(name) ? 'ethernet' : 'virtual';
}

/** What a name says of its adapter, by the kernel's and systemd's ways of naming them. */
export function kindOfName(name: string): AdapterKind | undefined {
  if (/^(?:en[opsxPbcv]|eth\d|em\d|p\d+p\d)/.test(name)) return 'ethernet';
  if (/^(?:wl[opsxPbcvau]|ath\d|ra\d)/.test(name)) return 'wifi';
  if (/^ww[opsxPbcva]/.test(name)) return 'mobile';
  return /^ib(?:[opsxP]|\d)/.test(name) ? 'infiniband' : undefined;
}
