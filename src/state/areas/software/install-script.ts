import { OWNERS_AS_CAPTURED } from '../base/owners-as-captured.ts';
import type { System } from '../base/system.ts';
import type { Owners } from '../base/types.ts';
import { type Installed, isSound } from './managers.ts';
import { missingOf } from './missing.ts';
import type { SoftwareContent } from './schema.ts';

/**
 * A script for a person to read and to run as root: it installs what the captured machine had and this one lacks. Names that
 * no package manager would give are left out. Nothing of the product runs it.
 */
export function installScript(content: SoftwareContent, system: System, owners: Owners = OWNERS_AS_CAPTURED): string {
  const { debPackages, others } = missingOf(content, system, owners);
  const held = content.debPackages.filter(({ isHeld, name }) => isHeld && /^[a-z0-9][a-z0-9+.-]+$/.test(name));
  const lines = [
    '#!/bin/sh',
    '# Installs what the old machine had and this one lacks. Read it first; run it as root. Versions are those of now.',
    'set -u',
  ];
  if (debPackages.length > 0) lines.push('', ...aptLines(debPackages.map(({ name }) => name)));
  if (held.length > 0) {
    lines.push('', '# These were held back at a version; say so again where that is still wanted:');
    lines.push(...held.map(({ name, version }) => `# apt-mark hold ${quoted(name)}   # was ${oneWord(version)}`));
  }
  if (others.length > 0) lines.push('', ...others.flatMap((one) => lineOf(one)));
  return `${lines.join('\n')}\n`;
}

function aptLines(names: readonly string[]): string[] {
  return [
    'apt-get update',
    'found=',
    `for name in ${names.map(quoted).join(' ')}; do`,
    '  if apt-cache show "$name" >/dev/null 2>&1; then found="$found $name"',
    '  else echo "there is no package $name here" >&2; fi',
    'done',
    '# shellcheck disable=SC2086 # names have no blanks',
    'if [ -n "$found" ]; then apt-get install $found; fi',
  ];
}

function lineOf(one: Installed): string[] {
  if (!isSound(one)) return [];
  const { manager, name, user, origin, isClassic } = one;
  const as = user === undefined ? '' : `runuser -u ${quoted(user)} -- `;
  switch (manager) {
    case 'flatpak':
      return [
        `${as}flatpak install ${user === undefined ? '' : '--user '}${quoted(origin ?? 'flathub')} ${quoted(name)}`,
      ];
    case 'snap':
      return [
        `snap install${isClassic === true ? ' --classic' : ''}${origin === undefined ? '' : ` --channel=${quoted(origin)}`} ${quoted(name)}`,
      ];
    case 'npm':
      return [`${as}npm install --global ${quoted(name)}`];
    case 'pipx':
      return [`${as}pipx install ${quoted(name)}`];
    case 'cargo':
      return [`${as}cargo install ${quoted(name)}`];
    case 'pip':
      // Distributions refuse it beside their own packages: a person puts it into an environment.
      return [`# pip of ${oneWord(user ?? 'root')}: ${oneWord(name)}`];
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
const oneWord = (word: string): string => word.replaceAll(/[^\w.+:~-]/g, '?');
