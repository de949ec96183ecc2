import { posix } from 'node:path';
import type { System } from '../base/system.ts';

/** Shells that let their user do everything: another of them may stand in where one is missing. */
const FULL = new Set('ash bash csh dash elvish fish ksh ksh93 mksh nu oksh pwsh sh tcsh xonsh yash zsh'.split(' '));
const NO_LOGIN = ['/usr/sbin/nologin', '/sbin/nologin', '/usr/bin/false', '/bin/false'];

export interface ChosenShell {
  readonly shell: string;
  /** Why it is another than was captured. */
  readonly why?: string;
}

/**
 * The login shell that an account gets: its own where the machine has it and offers it, else bash or sh; never one that
 * lets its user do more than the captured one did.
 */
export function chooseShell(system: System, wished: string): ChosenShell {
  const shell = wished === '' ? '/bin/sh' : wished;
  const isOffered = NO_LOGIN.includes(shell) || shellsOf(system).includes(shell);
  if (isInstalled(system, shell) && isOffered) return { shell };
  const instead = FULL.has(posix.basename(shell)) ? ['/bin/bash', '/bin/sh'] : NO_LOGIN;
  const found = instead.find((one) => isInstalled(system, one)) ?? (instead.at(-1) as string);
  const why = isInstalled(system, shell) ? 'is not in /etc/shells here' : 'is not installed here';
  return { shell: found, ...(found !== shell && { why: `${shell} ${why}` }) };
}

function shellsOf(system: System): readonly string[] {
  const lines = system.text('/etc/shells')?.split('\n') ?? ['/bin/sh', '/bin/bash'];
  return lines.map((line) => line.trim());
}

/** Whether a program is there, at the end of its links. */
export function isInstalled(system: System, path: string): boolean {
  let at = path;
  for (let links = 0; links < 10; links++) {
    const facts = system.facts(at);
    if (facts?.kind !== 'link') return facts?.kind === 'file' && (facts.mode & 0o111) !== 0;
    at = posix.resolve(posix.dirname(at), system.readLink(at) ?? '');
  }
  return false;
}
