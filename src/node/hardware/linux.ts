import type { HardwareFacts } from './facts.ts';
import type { SystemFiles } from './system-files.ts';
import { detectVirtual } from './virtual.ts';

const DMI = '/sys/class/dmi/id';
const NET = '/sys/class/net';
const ETHERNET = '1';
const PERMANENT = '0';

/** What Linux shows in /sys. Serial numbers and UUID are shown to root only. */
export function readLinuxFacts(files: SystemFiles): HardwareFacts {
  const dmi = (name: string): string | null => files.text(`${DMI}/${name}`) || null;
  return {
    productUuid: dmi('product_uuid'),
    productSerial: dmi('product_serial'),
    boardSerial: dmi('board_serial'),
    chassisSerial: dmi('chassis_serial'),
    macs: files.names(NET).flatMap((name) => permanentAddress(files, `${NET}/${name}`) ?? []),
    virtual: detectVirtual(files),
  };
}

/** Of an adapter that is built in. One on USB is left out: it is lent from desk to desk. */
function permanentAddress(files: SystemFiles, adapter: string): string | undefined {
  const device = files.target(`${adapter}/device`);
  if (device === undefined || device.includes('/usb') || files.text(`${adapter}/type`) !== ETHERNET) return undefined;
  const kept = files.text(`${adapter}/phy80211/macaddress`) ?? files.text(`${adapter}/bonding_slave/perm_hwaddr`);
  if (kept) return kept;
  return files.text(`${adapter}/addr_assign_type`) === PERMANENT ? files.text(`${adapter}/address`) : undefined;
}
