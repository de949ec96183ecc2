import { z } from 'zod';
import { AREA_ITEMS_MAX, INTERFACE_NAME_MAX_CHARS } from '../../../common/limits.ts';
import { configFiles } from '../base/config-file.ts';

export const ADAPTER_KINDS = [
  'ethernet',
  'wifi',
  'mobile',
  'infiniband',
  'bridge',
  'bond',
  'vlan',
  'tunnel',
  'wireguard',
  'virtual',
] as const;
export type AdapterKind = (typeof ADAPTER_KINDS)[number];

const interfaceName = z.string().min(1).max(INTERFACE_NAME_MAX_CHARS);
const mac = z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5,19}$/);
const address = z.string().min(1).max(100);

/** As osquery's `interface_details`. */
export const adapter = z.strictObject({
  interface: interfaceName,
  kind: z.enum(ADAPTER_KINDS),
  mac: mac.optional(),
  mtu: z.number().int().min(0).max(0xffff_ffff).optional(),
  /** Whether there was a link; absent where the adapter was off, or the machine did not run. */
  hasCarrier: z.boolean().optional(),
});
export type Adapter = z.infer<typeof adapter>;

/** As osquery's `interface_addresses`: `dhcp` and `auto` come from the network, `manual` from a file. */
export const interfaceAddress = z.strictObject({
  interface: z.string().max(INTERFACE_NAME_MAX_CHARS),
  address,
  mask: address,
  type: z.enum(['dhcp', 'auto', 'manual']),
});
export type InterfaceAddress = z.infer<typeof interfaceAddress>;

/** Default routes only, as osquery's `routes`. */
export const gateway = z.strictObject({
  interface: z.string().max(INTERFACE_NAME_MAX_CHARS),
  gateway: address,
});
export type Gateway = z.infer<typeof gateway>;

export const networkFacts = z.strictObject({
  adapters: z.array(adapter).max(AREA_ITEMS_MAX),
  addresses: z.array(interfaceAddress).max(AREA_ITEMS_MAX),
  gateways: z.array(gateway).max(AREA_ITEMS_MAX),
  nameservers: z.array(address).max(100),
  /** The first search domain. */
  domain: z.string().max(255).optional(),
});
export type NetworkFacts = z.infer<typeof networkFacts>;

export const MANAGERS = ['NetworkManager', 'netplan', 'ifupdown', 'systemd-networkd'] as const;
export type Manager = (typeof MANAGERS)[number];

export const networkContent = z.strictObject({
  facts: networkFacts,
  /** Certificates and keys that connections name and that the source lacked too. */
  absentFiles: z.array(z.string().max(4096)).max(AREA_ITEMS_MAX),
  /** Programs that read the files, as far as they were installed. */
  managers: z.array(z.enum(MANAGERS)).max(MANAGERS.length),
  files: configFiles.refine(
    (files) => new Set(files.map(({ path }) => path)).size === files.length,
    'no path more than once',
  ),
});
export type NetworkContent = z.infer<typeof networkContent>;
