import type { System } from '../base/system.ts';

export interface IdLimits {
  readonly min: number;
  readonly max: number;
}

/** What useradd goes by, of /etc/login.defs: which ids are people's, and where subordinate ids lie. */
export interface LoginDefs {
  readonly uid: IdLimits;
  readonly gid: IdLimits;
  readonly subUid: IdLimits & { readonly count: number };
  readonly subGid: IdLimits & { readonly count: number };
}

/** Below this no id is a person's, whatever login.defs says: RHEL 6 began at 500, Debian's fixed ids end at 99. */
const PEOPLE_MIN = 500;
/** nobody, and what 16 bits cannot tell from an error. */
const NOBODY = 65_534;

export function loginDefsOf(system: System): LoginDefs {
  const values = new Map<string, number>();
  for (const line of system.text('/etc/login.defs')?.split('\n') ?? []) {
    const [, name, value] = /^\s*([A-Z_]+)\s+(\d{1,10})\s*$/u.exec(line) ?? [];
    if (name && value) values.set(name, Number(value));
  }
  const limits = (name: string, min: number, max: number): IdLimits => ({
    min: values.get(`${name}_MIN`) ?? min,
    max: values.get(`${name}_MAX`) ?? max,
  });
  const people = (name: string): IdLimits => {
    const { min, max } = limits(name, 1000, 60_000);
    return { min: Math.max(min, PEOPLE_MIN), max: Math.min(max, 0x7fff_ffff) };
  };
  const subordinate = (name: string): LoginDefs['subUid'] => ({
    ...limits(name, 100_000, 600_100_000),
    count: values.get(`${name}_COUNT`) ?? 65_536,
  });
  return { uid: people('UID'), gid: people('GID'), subUid: subordinate('SUB_UID'), subGid: subordinate('SUB_GID') };
}

/** Whether an id is one that a person, or a group of people, can have. */
export const isPersonal = (id: number, { min, max }: IdLimits): boolean =>
  id >= min && id <= max && id !== NOBODY && id !== 65_535;
