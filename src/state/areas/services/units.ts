import type { Change } from '../base/change.ts';
import type { System } from '../base/system.ts';
import { isUnitName, listOf, parseUnit, type UnitFile } from './unit-file.ts';

export const ETC = '/etc/systemd/system';
/** The first of them that has a unit is the one that counts. */
const FOLDERS = [ETC, '/usr/local/lib/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'];

export type UnitState = 'enabled' | 'disabled' | 'masked' | 'static';

/** Units of one machine, read from its files alone. */
export class Units {
  readonly #system: System;
  /** Links in `*.wants` and `*.requires`, by the unit that they start. */
  readonly #links = new Map<string, string[]>();

  constructor(system: System) {
    this.#system = system;
    for (const folder of system.list(ETC)) {
      if (!/\.(wants|requires)$/.test(folder)) continue;
      for (const name of system.list(`${ETC}/${folder}`)) this.#add(name, `${ETC}/${folder}/${name}`);
    }
    for (const name of system.list(ETC)) {
      const target = system.readLink(`${ETC}/${name}`);
      const base = target?.split('/').at(-1);
      // Another name of a unit; its own name means a unit that was linked from elsewhere.
      if (base !== undefined && base !== name && isUnitName(base)) this.#add(base, `${ETC}/${name}`);
    }
  }

  #add(unit: string, link: string): void {
    this.#links.set(unit, [...(this.#links.get(unit) ?? []), link]);
  }

  /** Takes notice of links that will be made or removed. */
  note(changes: readonly Change[]): void {
    for (const { kind, path } of changes) {
      const name = path.split('/').at(-1) ?? '';
      if (kind === 'link' && /\.(wants|requires)\//.test(path)) this.#add(name, path);
      if (kind === 'remove')
        this.#links.set(
          name,
          this.linksOf(name).filter((link) => link !== path),
        );
    }
  }

  /** Links under /etc that make it start, and its other names. */
  linksOf(unit: string): readonly string[] {
    return this.#links.get(unit) ?? [];
  }

  /** Units that are there as files, and instances that are enabled; neither other names nor templates' drop-ins. */
  names(): string[] {
    const names = new Set<string>();
    for (const folder of FOLDERS) {
      for (const name of this.#system.list(folder)) {
        if (isUnitName(name) && !this.#isOtherName(`${folder}/${name}`, name)) names.add(name);
      }
    }
    for (const name of this.#links.keys()) if (isUnitName(name)) names.add(name);
    return [...names].sort();
  }

  #isOtherName(path: string, name: string): boolean {
    const target = this.#system.readLink(path);
    return target !== undefined && target !== '/dev/null' && target.split('/').at(-1) !== name;
  }

  /** Where a unit's own file is, or its template's. */
  pathOf(unit: string): string | undefined {
    const names = [unit, unit.replace(/@[^.]*(?=\.\w+$)/, '@')];
    return names
      .flatMap((name) => FOLDERS.map((folder) => `${folder}/${name}`))
      .find((path) => this.#system.facts(path) !== undefined && this.#system.text(path) !== undefined);
  }

  fileOf(unit: string): UnitFile | undefined {
    const path = this.pathOf(unit);
    const text = path === undefined ? undefined : this.#system.text(path);
    return text === undefined ? undefined : parseUnit(text);
  }

  isMasked(unit: string): boolean {
    return this.#system.readLink(`${ETC}/${unit}`) === '/dev/null';
  }

  /** As `systemctl is-enabled` says it; undefined where there is no such unit. */
  state(unit: string): UnitState | undefined {
    if (this.isMasked(unit)) return 'masked';
    if (this.linksOf(unit).length > 0) return 'enabled';
    const file = this.fileOf(unit);
    if (!file) return undefined;
    return file.settings.some(({ section }) => section === 'Install') ? 'disabled' : 'static';
  }

  /** The links that `systemctl enable` makes; undefined where the unit cannot be enabled. */
  enabling(unit: string): Change[] | undefined {
    const changes = this.#enablingOne(unit);
    if (!changes) return undefined;
    const file = this.fileOf(unit);
    const also = file ? listOf(file, 'Install', 'Also') : [];
    return [...changes, ...also.filter((name) => name !== unit).flatMap((name) => this.#enablingOne(name) ?? [])];
  }

  #enablingOne(unit: string): Change[] | undefined {
    const path = this.pathOf(unit);
    const file = this.fileOf(unit);
    if (path === undefined || !file || !isUnitName(unit) || /@\.\w+$/.test(unit)) return undefined;
    const instance = /@([^.]*)\.\w+$/.exec(unit)?.[1] ?? '';
    const named = (words: readonly string[]) =>
      words.map((word) => word.replaceAll('%i', instance).replaceAll('%I', instance)).filter(isUnitName);
    const target = this.#asLinked(path);
    const folders = [
      ...named(listOf(file, 'Install', 'WantedBy')).map((name) => `${ETC}/${name}.wants`),
      ...named(listOf(file, 'Install', 'RequiredBy')).map((name) => `${ETC}/${name}.requires`),
    ];
    const aliases = named(listOf(file, 'Install', 'Alias')).filter((name) => name !== unit);
    if (folders.length + aliases.length === 0) return undefined;
    return [
      ...folders.flatMap((folder): Change[] => [
        ...(this.#system.facts(folder) ? [] : [{ kind: 'folder' as const, path: folder, mode: 0o755, uid: 0, gid: 0 }]),
        { kind: 'link', path: `${folder}/${unit}`, target },
      ]),
      ...aliases
        .map((name): Change => ({ kind: 'link', path: `${ETC}/${name}`, target }))
        // What has that name and is no link is another unit.
        .filter(({ path: at }) => (this.#system.facts(at)?.kind ?? 'link') === 'link'),
    ];
  }

  /** What a link to a unit's file says as systemd writes it; undefined where there is no such unit. */
  linkedAs(unit: string): string | undefined {
    const path = this.pathOf(unit);
    return path === undefined ? undefined : this.#asLinked(path);
  }

  /** systemd writes its own folder as it was built with: /lib before the merge of /usr, /usr/lib since. */
  #asLinked(path: string): string {
    const targets = [...this.#links.values()].flat().map((link) => this.#system.readLink(link) ?? '');
    const writesLib = targets.some((target) => target.startsWith('/lib/systemd/'));
    return writesLib ? path.replace(/^\/usr\/lib\/systemd\//, '/lib/systemd/') : path;
  }
}
