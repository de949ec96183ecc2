import type { System } from '../base/system.ts';

/** Somebody who may sit before a display. */
export interface Person {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
}

/** From where ordinary people are numbered, up to where systemd's own ranges begin. */
const FIRST_UID = 1000;
const LAST_UID = 60_000;

/** The local people of a machine, or those of them that are named. */
export function peopleOf(system: System, users?: ReadonlySet<string>): Person[] {
  const lines = system.text('/etc/passwd')?.split('\n') ?? [];
  return lines.flatMap((line): Person[] => {
    const [name = '', , uidText = '', , , home = ''] = line.split(':');
    const uid = Number(uidText);
    const isPerson = /^[a-z_][a-z0-9_.-]{0,31}$/i.test(name) && uid >= FIRST_UID && uid < LAST_UID;
    return isPerson && /^\/[^\p{Cc}]+$/u.test(home) && (users?.has(name) ?? true) ? [{ name, uid, home }] : [];
  });
}

/** Where a user of a machine is at home; undefined where there is no such user. */
export function homeOf(system: System, name: string): string | undefined {
  const line = system
    .text('/etc/passwd')
    ?.split('\n')
    .find((one) => one.startsWith(`${name}:`));
  return line?.split(':')[5];
}
