import { z } from 'zod';
import { OWNERS_AS_CAPTURED } from '../../../../src/state/areas/base/owners-as-captured.ts';
import type { Area } from '../../../../src/state/areas/base/types.ts';
import type { ChecklistParts } from '../../../../src/state/areas/checklist/messages.ts';
import { found } from './fake.ts';

interface Lines {
  readonly lines: readonly string[];
}

/** An area that carries the lines of `/etc/environment`, and finds them again. */
const environment: Area = {
  name: 'environment',
  version: 1,
  schema: z.strictObject({ lines: z.array(z.string()) }),
  writes: ['/etc/environment'],
  capture: (system) => ({ content: { lines: (system.text('/etc/environment') ?? '').split('\n').filter(Boolean) } }),
  plan() {},
  check(content, system, { owners }) {
    const there = new Set((system.text('/etc/environment') ?? '').split('\n'));
    return (content as Lines).lines.map((line) => {
      const mapped = line.replace(/ann/, (name) => owners.user(name));
      const name = line.split('=')[0]!;
      const observed = there.has(mapped) ? mapped : 'it is not set';
      return found('environment', `variable:${name}`, there.has(mapped) ? 'same' : 'failed', {
        expected: mapped,
        observed,
      });
    });
  },
};

/** What a checklist of tests is made with: `owners` in the outcome is the name that ann has now. */
export const parts: ChecklistParts = {
  areas: [environment],
  ownersOf: (table) => ({
    ...OWNERS_AS_CAPTURED,
    user: (name) => (name === 'ann' ? String(table) : name),
    home: (path) => (path === '/home/ann' ? `/home/${String(table)}` : path),
  }),
};
