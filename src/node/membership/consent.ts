import type { Home } from '../home/home.ts';

/** What a person said at `fleet join`, until this machine's own record says it. */
const FILE = 'consent';

/** Whether this machine will take orders of the operators of the fleet that it is about to join. */
export function readConsent(home: Home): boolean {
  return home.read(FILE)?.toString('utf8').trim() === 'yes';
}

export function writeConsent(home: Home, acceptsOperators: boolean): void {
  if (acceptsOperators) home.write('yes\n', FILE);
  else home.remove(FILE);
}

export function dropConsent(home: Home): void {
  home.remove(FILE);
}
