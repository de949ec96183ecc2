import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import { isPluggedIn, serialOf } from './device-uri.ts';
import type { Printer } from './schema.ts';

export const PLUG_IN = 'plug the printer in; if it is another one than before, choose it in the printer settings';

const USB_DEVICES = '/sys/bus/usb/devices';

/** Whether a person has to bring its cable here: another machine, on which it is not seen. */
export function needsPlugging({ deviceUri }: Printer, system: System, { identity }: RestoreAbout): boolean {
  return identity === 'new' && isPluggedIn(deviceUri) && !isSeen(system, serialOf(deviceUri));
}

function isSeen(system: System, serial: string | undefined): boolean {
  if (serial === undefined || !system.isLive) return false;
  return system.list(USB_DEVICES).some((name) => system.text(`${USB_DEVICES}/${name}/serial`)?.trim() === serial);
}
