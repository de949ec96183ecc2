import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { AREAS } from '../../../../src/state/areas/registry.ts';
import { DOCUMENTS_NAME } from '../../../../src/state/plan/source-tree.ts';
import { type Captured, captureTree, temporaryFolder } from '../../../state/support/source-machine.ts';
import { putFile, type TestFile } from '../../support/machine.ts';

/** A test, or a file of tests. */
export interface Ending {
  after(end: () => void): void;
}

/** The end of all tests of a file; to be called before any of them. */
export function endOfFile(): Ending {
  const ends: (() => void)[] = [];
  after(() => {
    for (const end of ends) end();
  });
  return { after: (end) => ends.push(end) };
}

/** What a snapshot says that no capture would: documents are written as they are given. */
export interface Forged {
  /** Contents of areas, by name. */
  readonly areas?: Readonly<Record<string, unknown>>;
  /** In place of parts of an ordinary `machine.json`. */
  readonly machine?: Readonly<Record<string, unknown>>;
  readonly roots?: readonly { readonly path: string; readonly area: string; readonly isPersonal: boolean }[];
  readonly checklist?: unknown;
  /** Files of the folder of documents, instead of or beside those. */
  readonly documents?: Readonly<Record<string, TestFile>>;
  /** Called with the folder of documents, for what is no file. */
  readonly spoil?: (documents: string) => void;
  readonly files?: Readonly<Record<string, TestFile>>;
  /** Called with the root of the captured machine. */
  readonly dress?: (root: string) => void;
  /** Captured; default: the paths of `roots`. */
  readonly paths?: readonly string[];
}

export const SOURCE = { hostname: 'old', osId: 'debian', osVersion: '12', osName: 'Debian GNU/Linux 12 (bookworm)' };

/** A snapshot with valid signatures and seals, whose documents and files say whatever they are told to. */
export function forgeMachine(t: Ending, forged: Forged): Promise<Captured> {
  const temporary = temporaryFolder(t);
  const root = join(temporary, 'old');
  const holder = join(temporary, 'documents');
  mkdirSync(root, { recursive: true });
  for (const [path, file] of Object.entries(forged.files ?? {})) putFile(root, path, file);
  forged.dress?.(root);
  writeForged(join(holder, DOCUMENTS_NAME), forged);
  const paths = forged.paths ?? (forged.roots ?? []).map(({ path }) => path);
  return captureTree(temporary, [...paths, `/${DOCUMENTS_NAME}`], { tree: { root, documents: holder } });
}

/** The documents alone, in a folder that is made. */
export function writeForged(documents: string, forged: Forged): void {
  mkdirSync(documents, { recursive: true });
  const { areas = {}, roots = [] } = forged;
  const machine = {
    format: 1,
    source: SOURCE,
    asRoot: true,
    capturedAt: '2026-01-31T00:00:00Z',
    areas: Object.keys(areas).map((name) => ({ name, version: versionOf(name) })),
    roots,
    couldNot: [],
    ...forged.machine,
  };
  const write = (name: string, content: unknown) =>
    writeFileSync(join(documents, `${name}.json`), JSON.stringify(content));
  write('machine', machine);
  write('checklist', forged.checklist ?? []);
  for (const [area, content] of Object.entries(areas)) write(area, { area, version: versionOf(area), content });
  for (const [name, file] of Object.entries(forged.documents ?? {})) putFile(documents, name, file);
  forged.spoil?.(documents);
}

const versionOf = (name: string): number => AREAS.find((area) => area.name === name)?.version ?? 1;
