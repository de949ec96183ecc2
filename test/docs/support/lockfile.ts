/** What `package.json` asks for and what `package-lock.json` brings. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The project’s own folder. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** A package as the lockfile has it. */
export interface LockedPackage {
  readonly version: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

export interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  /** Whose install scripts may run: npm’s own field. */
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

export const readText = (...path: string[]): string => readFileSync([ROOT, ...path].join('/'), 'utf8');

export const manifest = (): Manifest => JSON.parse(readText('package.json')) as Manifest;

/** Every package of the tree, by its place. */
export function locked(): Map<string, LockedPackage> {
  const { packages } = JSON.parse(readText('package-lock.json')) as { packages: Record<string, LockedPackage> };
  return new Map(Object.entries(packages).filter(([place]) => place !== ''));
}

/** The name of what lies at a place. */
export const nameAt = (place: string): string =>
  place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
