import type { Change } from '../base/change.ts';
import { type ConfigFile, changeOf, contentOf, hasContentOf } from '../base/config-file.ts';
import type { System } from '../base/system.ts';
import type { Owners, RestoreAbout } from '../base/types.ts';
import { AdapterMap } from './adapter-map.ts';
import { type FileKind, kindOf } from './file-kinds.ts';
import type { FitAbout, Fitted } from './fit.ts';
import { KeyLines } from './key-lines.ts';
import { parseConnection } from './keyfile.ts';
import { isCarriedLink } from './network-files.ts';
import type { NetworkContent } from './schema.ts';

/** A captured file, and what becomes of it on a target: the same for the plan and for the check after it. */
export interface Placing {
  readonly id: string;
  readonly title: string;
  readonly kind: FileKind;
  readonly file: ConfigFile;
  readonly fitted: Fitted;
}

/** Every file of a document; one that stands where this area has nothing is refused by its id alone. */
export function placingsOf(content: NetworkContent, system: System, { identity, owners }: RestoreAbout): Placing[] {
  const about: FitAbout = { owners, adapters: new AdapterMap(identity, content.facts.adapters, system) };
  return content.files.map((file): Placing => {
    const known = kindOf(file.path);
    const kind = known?.kind ?? STRANGE;
    const { text = '' } = file;
    const placing = { id: known?.id ?? `file:${file.path}`, title: titleOf(file, kind, known?.name), kind, file };
    if (file.link !== undefined && !isCarriedLink(file)) {
      const refusal = { kind: 'withhold', why: 'it is a link to elsewhere' } as const;
      return { ...placing, fitted: { path: file.path, notes: [], effect: 'network', refusal } };
    }
    const fitted = kind.fit(file, text, about);
    return { ...placing, fitted: kindOf(fitted.path)?.kind === kind ? inPlaceOfItself(fitted, kind, system) : fitted };
  });
}

const STRANGE: FileKind = {
  kind: 'file',
  noun: 'File',
  folder: '/',
  pattern: /^$/,
  fit: ({ path }) => ({
    path,
    notes: [],
    effect: 'network',
    refusal: { kind: 'withhold', why: 'it is nothing of the network' },
  }),
};

function titleOf({ path, text = '' }: ConfigFile, kind: FileKind, name = path): string {
  const connection = kind.kind === 'connection' ? parseConnection(text) : '';
  return `${kind.noun} ${JSON.stringify((typeof connection === 'string' ? '' : connection.id) || name).slice(0, 200)}`;
}

/** A connection that the target has under another file name keeps that one: two with one uuid disturb each other. */
function inPlaceOfItself(fitted: Fitted, kind: FileKind, system: System): Fitted {
  if (kind.kind !== 'connection' || fitted.text === undefined || system.facts(fitted.path)) return fitted;
  const uuid = KeyLines.parse(fitted.text).get('connection', 'uuid');
  const other =
    uuid &&
    system.list(kind.folder).find((name) => {
      const there = kindOf(`${kind.folder}/${name}`) && parseConnection(system.text(`${kind.folder}/${name}`) ?? '');
      return typeof there === 'object' && there.uuid === uuid;
    });
  return other ? { ...fitted, path: `${kind.folder}/${other}` } : fitted;
}

/** What puts it there. */
export function changesOf({ file, kind, fitted }: Placing, owners: Owners): Change[] {
  const { path, text } = fitted;
  if (file.link !== undefined) return [{ kind: 'link', path, target: file.link }];
  const content = text === undefined ? contentOf(file) : Buffer.from(text, 'utf8');
  const change = changeOf(file, owners, path);
  if (change.kind !== 'file') return [change];
  // All of it is root's and nobody else may write it, whoever's it was; networkd's group may read its keys.
  const gid = kind.manager === 'systemd-networkd' ? change.gid : 0;
  return [{ ...change, content, mode: kind.isSecret ? 0o600 : change.mode & 0o755, uid: 0, gid }];
}

/** Whether the target has it as it should be there. Connections are read, since NetworkManager writes them anew. */
export function isThere(system: System, { file, kind, fitted }: Placing): boolean {
  const { path, text } = fitted;
  if (text === undefined) return hasContentOf(system, file, path);
  const there = system.facts(path)?.kind === 'file' ? system.text(path) : undefined;
  if (there === undefined || there === text) return there === text;
  return kind.kind === 'connection' && settingsIn(there) === settingsIn(text);
}

function settingsIn(text: string): string {
  const settings = KeyLines.parse(text).lines.filter(({ key }) => key !== 'timestamp');
  return JSON.stringify(settings.map(({ group, key, value }) => `${group} ${key} ${value}`).sort());
}
