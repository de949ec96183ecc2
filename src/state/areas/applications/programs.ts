import type { System } from '../base/system.ts';

/** A program that runs. */
export interface Program {
  readonly pid: number;
  /** At most 15 characters of its name. */
  readonly comm: string;
  readonly uid: number;
}

/** Programs that run on a live machine; none on any other. */
export function programsOf(system: System): Program[] {
  if (!system.isLive) return [];
  return system.list('/proc').flatMap((name): Program[] => {
    if (!/^\d+$/.test(name)) return [];
    const comm = system.text(`/proc/${name}/comm`)?.trimEnd();
    const uid = system.facts(`/proc/${name}`)?.uid;
    return comm && uid !== undefined ? [{ pid: Number(name), comm, uid }] : [];
  });
}
