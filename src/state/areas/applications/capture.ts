import type { RuleWalk } from '../../catalogue/rule-walk.ts';
import type { System } from '../base/system.ts';
import type { CaptureAbout, Captured, CouldNot, FileRoot } from '../base/types.ts';
import { type Found, type FoundPlace, findApplications } from './find.ts';
import { Lookup } from './lookup.ts';
import { measure } from './measure.ts';
import type { ApplicationsOptions } from './options.ts';
import { type Installed, installedOn, packagesOf } from './packages.ts';
import { peopleOf } from './people.ts';
import { type Program, programsOf } from './programs.ts';
import { rootsOf } from './roots.ts';
import type { Application, ApplicationsContent, Place, Volume } from './schema.ts';
import { settingsOf } from './settings.ts';
import { Sizer } from './sizer.ts';
import { unknownFolders } from './unknown.ts';
import { Volumes } from './volumes.ts';

/** Applications that the catalogue knows, with where their data lies and how much there is. */
export function captureApplications(
  system: System,
  { users }: CaptureAbout,
  options: ApplicationsOptions,
): Captured<ApplicationsContent> | undefined {
  const rules = options.rules();
  const people = peopleOf(system, users);
  const lookup = new Lookup(system);
  const found = findApplications(rules, people, lookup);
  const outside = found.flatMap(({ places }) => places.filter(({ person }) => !person).map(({ path }) => path));
  const { walk, sizer } = measure(system, rules, { homes: people.map(({ home }) => home), places: outside }, options);
  const capture = new Capture(system, { walk, sizer, programs: programsOf(system) });
  const installed = installedOn(system, lookup, people);
  const applications = found.map((one) => capture.application(one, installed, found));
  const { couldNot, roots, volumes } = capture;
  const unknown = unknownFolders(rules, people, { lookup, walk, sizer: new Sizer(system, walk, options.nowMs) });
  const settings = settingsOf(system, people, options, couldNot);
  if (applications.length + unknown.length + settings.length === 0) return undefined;
  const content = { applications, volumes: [...volumes.values()], unknown, settings };
  return { content: options.hasOwnRules ? { ...content, own_rules: true } : content, roots, couldNot };
}

interface Parts {
  readonly walk: RuleWalk;
  readonly sizer: Sizer;
  readonly programs: readonly Program[];
}

class Capture {
  readonly couldNot: CouldNot[] = [];
  readonly roots: FileRoot[] = [];
  readonly volumes = new Map<string, Volume>();
  readonly #system: System;
  readonly #parts: Parts;
  readonly #volumes: Volumes;

  constructor(system: System, parts: Parts) {
    this.#system = system;
    this.#volumes = new Volumes(system);
    this.#parts = parts;
  }

  application({ rule, places }: Found, installed: Installed, all: readonly Found[]): Application {
    const runs = (names: readonly string[]) => this.#parts.programs.some(({ comm }) => names.includes(comm));
    const server = rule.dump?.process;
    const isServed = server !== undefined && runs([server]);
    const leftOut = isServed ? this.#dump(rule.name, rule.dump!.advice, places) : this.#reasonLeftOut(places);
    for (const { path, person } of places) {
      if (person || (isServed && !isSettings(path))) continue;
      this.roots.push(...rootsOf(this.#system, path, this.#parts.walk));
    }
    return {
      id: rule.id,
      name: rule.name,
      category: rule.category,
      packages: packagesOf(rule, installed),
      places: places.map((place) => this.#place(place)),
      treat: rule.treat,
      is_running: runs([...rule['close-before'], ...(server === undefined ? [] : [server])]),
      close_before: rule['close-before'],
      ...(server !== undefined && { server_process: server }),
      ...(leftOut !== undefined && { left_out: leftOut }),
      one_unit_with: rule['one-unit-with'].filter((id) => all.some((other) => other.rule.id === id)),
      ...(rule.note !== undefined && { note: rule.note }),
    };
  }

  #place({ path, person }: FoundPlace): Place {
    const volume = this.#volumes.of(path);
    if (volume) this.volumes.set(volume.path, volume);
    return {
      path,
      ...(person && { home: person.home, username: person.username }),
      size: this.#parts.sizer.sizeOf(path),
      ...(volume && { volume: volume.path }),
    };
  }

  /** A running server writes into several files at once: a copy of them is no database. */
  #dump(name: string, advice: string, places: readonly FoundPlace[]): string {
    const hasData = places.some(({ path, person }) => !person && !isSettings(path));
    const why = hasData ? 'it is running, so its data is left out' : 'it is running';
    this.couldNot.push({ what: name, why: `${why}: ${advice}` });
    return `it was running. ${advice}`;
  }

  #reasonLeftOut(places: readonly FoundPlace[]): string | undefined {
    const unreadable = places.find(({ path }) => this.#system.isUnreadable(path));
    if (unreadable) return `${unreadable.path} could not be read`;
    const states = places.map(({ path }) => this.#parts.walk.at(Buffer.from(path)));
    if (states.length === 0 || states.some(({ isTaken }) => isTaken)) return undefined;
    return `the rule ${states[0]?.by?.rule} leaves it out`;
  }
}

const isSettings = (path: string): boolean => path.startsWith('/etc/');
