import { readFile } from 'node:fs/promises';
import { hostname, release, type, userInfo } from 'node:os';
import type { MachineFacts } from './types.ts';

/** What this machine says about itself to the one that it has paired with. */
export async function machineFacts(): Promise<MachineFacts> {
  return { name: hostname(), system: (await prettyName()) ?? `${type()} ${release()}`, user: userName() };
}

/** PRETTY_NAME of os-release(5). */
async function prettyName(): Promise<string | undefined> {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    const text = await readFile(path, 'utf8').catch(() => '');
    const value = /^PRETTY_NAME=(.*)$/m
      .exec(text)?.[1]
      ?.trim()
      .replace(/^(["'])(.*)\1$/, '$2');
    if (value) return value.replaceAll(/\\(["'$`\\])/g, '$1');
  }
  return undefined;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? ''); // A user without an entry, as in some containers.
  }
}
