import type { HardwareFacts } from './facts.ts';
import { usableMac, usableSerial, usableUuid } from './placeholders.ts';

export type Kind = 'uuid' | 'serial' | 'board' | 'chassis' | 'mac';

/** How each kind is called in messages. */
export const KIND_SHOWN: Readonly<Record<Kind, string>> = {
  uuid: 'UUID',
  serial: 'serial number',
  board: "board's serial number",
  chassis: "case's serial number",
  mac: 'network adapters',
};

/** One thing that a machine can be told by, in its one form. */
export interface Attribute {
  readonly kind: Kind;
  readonly value: string;
}

/** What is usable of a machine's facts: no placeholders, nothing that many machines have, each value once. */
export function attributesOf(facts: HardwareFacts): Attribute[] {
  const attributes: Attribute[] = [];
  const add = (kind: Kind, value: string | undefined): void => {
    if (value !== undefined) attributes.push({ kind, value });
  };
  add('uuid', usableUuid(facts.productUuid));
  add('serial', usableSerial(facts.productSerial));
  add('board', usableSerial(facts.boardSerial));
  add('chassis', usableSerial(facts.chassisSerial));
  for (const mac of [...new Set(facts.macs.map(usableMac))].sort()) add('mac', mac);
  return attributes;
}
