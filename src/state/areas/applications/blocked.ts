import type { System } from '../base/system.ts';
import type { Owners } from '../base/types.ts';
import { namesByUid } from './people.ts';
import { type Program, programsOf } from './programs.ts';
import type { Application, ApplicationsContent, Place } from './schema.ts';

/** A file or folder of the target that must not be replaced yet. */
export interface Blocked {
  readonly path: string;
  /** What a person does: "close Firefox (process 1234 of ann) first". */
  readonly remedy: string;
}

/** Where a captured place lies on the target. */
export function targetPath({ path, home }: Place, owners: Owners): string {
  return home === undefined ? path : `${owners.home(home)}${path.slice(home.length)}`;
}

/**
 * Paths of a live target whose programs run there: what comes for them or beneath them has to wait. None of a machine that
 * is not live.
 */
export function blockedPaths(content: ApplicationsContent, system: System, owners: Owners): readonly Blocked[] {
  const running = new Running(system);
  return content.applications.flatMap((application) => {
    return application.places.flatMap((place): Blocked[] => {
      const remedy = running.remedyFor(application, place, owners);
      return remedy === undefined ? [] : [{ path: targetPath(place, owners), remedy }];
    });
  });
}

/** What runs on a machine, and what a person closes for it. */
export class Running {
  readonly #programs: readonly Program[];
  readonly #names: ReadonlyMap<number, string>;

  constructor(system: System) {
    this.#programs = programsOf(system);
    this.#names = this.#programs.length > 0 ? namesByUid(system) : new Map();
  }

  /** A program of the person whose place it is; where nobody's it is, of anybody. */
  remedyFor(application: Application, place: Place, owners: Owners): string | undefined {
    const { name, close_before, server_process } = application;
    const wanted = place.username === undefined ? undefined : owners.user(place.username);
    const program = this.#programs.find(({ comm, uid }) => {
      if (comm === server_process) return true;
      return close_before.includes(comm) && (wanted === undefined || this.#names.get(uid) === wanted);
    });
    if (!program) return undefined;
    const { pid, comm, uid } = program;
    const deed = comm === server_process ? 'stop' : 'close';
    return `${deed} ${name} (process ${pid} of ${this.#names.get(uid) ?? `user id ${uid}`}) first`;
  }
}
