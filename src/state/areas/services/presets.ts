import type { System } from '../base/system.ts';

interface Rule {
  readonly isEnabled: boolean;
  readonly pattern: RegExp;
}

const FOLDERS = [
  '/usr/lib/systemd/system-preset',
  '/usr/local/lib/systemd/system-preset',
  '/etc/systemd/system-preset',
];

/** What a machine's presets say of a unit: the first rule that names it holds; without one it is enabled. */
export function presetsOf(system: System): (unit: string) => boolean {
  const files = new Map<string, string>();
  for (const folder of FOLDERS) {
    for (const name of system.list(folder)) if (name.endsWith('.preset')) files.set(name, `${folder}/${name}`);
  }
  const rules = [...files.keys()].sort().flatMap((name) => rulesOf(system.text(files.get(name) ?? '') ?? ''));
  return (unit) => rules.find(({ pattern }) => pattern.test(unit))?.isEnabled ?? true;
}

function rulesOf(text: string): Rule[] {
  return text.split('\n').flatMap((line) => {
    const [, verb, glob] = /^\s*(enable|disable|ignore)\s+(\S+)/.exec(line) ?? [];
    return verb === undefined || glob === undefined || verb === 'ignore'
      ? []
      : [{ isEnabled: verb === 'enable', pattern: patternOf(glob) }];
  });
}

/** A shell's pattern: `*`, `?` and `[…]`. */
function patternOf(glob: string): RegExp {
  const source = glob
    .replaceAll(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
    .replaceAll('[!', '[^');
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    return /^(?!)/;
  }
}
