import type { CatalogueRule } from '../../catalogue/schema.ts';
import type { CheckItem, Verdict } from '../base/check-item.ts';
import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import { targetPath } from './blocked.ts';
import { checkNote, checkPackages, checkUnit } from './check-needs.ts';
import { checkPlace } from './check-place.ts';
import { checkSettings } from './check-settings.ts';
import { checkUnknown } from './check-unknown.ts';
import { Lookup } from './lookup.ts';
import { measure } from './measure.ts';
import type { ApplicationsOptions } from './options.ts';
import { type Installed, installedOn } from './packages.ts';
import { peopleOf } from './people.ts';
import type { Application, ApplicationsContent, Size, Volume } from './schema.ts';
import type { Sizer } from './sizer.ts';
import { Volumes } from './volumes.ts';
import { placesInWords, volumeInWords } from './words.ts';

/** What is known of each application, beside what is there of it; then what goes beyond applications. */
export function checkApplications(
  content: ApplicationsContent,
  system: System,
  about: RestoreAbout,
  options: ApplicationsOptions,
): readonly CheckItem[] {
  const check = new Check(content, system, about, options);
  return [
    ...content.applications.flatMap((application) => check.application(application)),
    ...checkSettings(content.settings, system, about.owners, options),
    ...checkUnknown(content.unknown, system, about.owners),
  ];
}

class Check {
  readonly #content: ApplicationsContent;
  readonly #system: System;
  readonly #about: RestoreAbout;
  readonly #rules: ReadonlyMap<string, CatalogueRule>;
  readonly #sizer: Sizer;
  /** Of everything: rules of the capture's own HOME may have taken what no rule here takes. */
  readonly #plain: Sizer;
  readonly #volumes: Volumes;
  readonly #installed: Installed;

  constructor(content: ApplicationsContent, system: System, about: RestoreAbout, options: ApplicationsOptions) {
    this.#content = content;
    this.#system = system;
    this.#volumes = new Volumes(system);
    this.#about = about;
    const rules = options.rules();
    this.#rules = new Map(rules.map((rule) => [rule.id, rule]));
    const places = content.applications.flatMap((application) => application.places);
    const homes = new Set(places.flatMap(({ home }) => (home === undefined ? [] : [about.owners.home(home)])));
    const outside = places.filter(({ home }) => home === undefined).map(({ path }) => path);
    const where = { homes: [...homes], places: outside };
    this.#sizer = measure(system, rules, where, options).sizer;
    this.#plain = measure(system, [], where, options).sizer;
    this.#installed = installedOn(system, new Lookup(system), peopleOf(system));
  }

  /** One item of what is known of it, then one for each thing that can be there or not. */
  application(application: Application): CheckItem[] {
    const { owners, identity } = this.#about;
    const paths = application.places.map((place) => targetPath(place, owners));
    const sizes = paths.map((path, at) => this.#sizeOf(path, application.places[at]!.size.bytes));
    const items = [
      ...application.places.map((place, at) =>
        checkPlace(application, place, sizes[at]!, { system: this.#system, owners }),
      ),
      ...checkPackages(application, this.#rules.get(application.id), this.#installed),
      ...checkNote(application, identity),
      ...checkUnit(application, this.#content.applications),
    ];
    // What lies outside of homes is the machine's, and may have been withheld without harm to what is the person's.
    const ofHomes = application.places.map(({ home }) => home !== undefined);
    const telling = items.filter((_, at) => !ofHomes.includes(true) || ofHomes[at] !== false);
    return [this.#summary(application, paths, sizes, telling), ...items];
  }

  #sizeOf(path: string, expectedBytes: number): Size {
    const size = this.#sizer.sizeOf(path);
    const isLess = size.bytes < expectedBytes / 2 && !size.at_least;
    return isLess && this.#content.own_rules ? this.#plain.sizeOf(path) : size;
  }

  #summary(
    { id, name, places }: Application,
    paths: readonly string[],
    sizes: readonly Size[],
    items: readonly CheckItem[],
  ): CheckItem {
    const there = paths.map((path) => this.#volumes.of(path));
    const verdict = worstOf(items.map((item) => item.verdict));
    const remedies = items.flatMap(({ remedy }) => (remedy === undefined ? [] : [remedy]));
    return {
      id: `application:${id}`,
      group: 'application information',
      title: name,
      expected: `${placesInWords(places.map(({ size }) => size))}${this.#onVolumes(places.map(({ volume }) => volume))}`,
      observed: `${placesInWords(sizes.filter((_, at) => this.#system.facts(paths[at]!)))}${onVolumes(there)}`,
      verdict,
      evidence: 'files that the catalogue takes, and the table of mounts',
      ...(needsRemedy(verdict) && { remedy: remedies[0] ?? `see the group application ${name}` }),
    };
  }

  #onVolumes(paths: readonly (string | undefined)[]): string {
    return onVolumes(this.#content.volumes.filter(({ path }) => paths.includes(path)));
  }
}

function onVolumes(volumes: readonly (Volume | undefined)[]): string {
  const words = new Set(volumes.flatMap((volume) => (volume ? [volumeInWords(volume)] : [])));
  return words.size === 0 ? '' : `, on ${[...words].sort().join(' and ')}`;
}

const ORDER: readonly Verdict[] = ['failed', 'person', 'skipped'];
const needsRemedy = (verdict: Verdict): boolean => verdict === 'failed' || verdict === 'person';

function worstOf(verdicts: readonly Verdict[]): Verdict {
  return ORDER.find((verdict) => verdicts.includes(verdict)) ?? 'same';
}
