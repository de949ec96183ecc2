/** Parts for the worker, which takes them from a module: fake areas, and a kill where the environment asks for it. */
import { LocalSystem } from '../../../../src/state/areas/base/local-system.ts';
import { AREA_NAMES } from '../../../../src/state/areas/base/names.ts';
import type { AreasParts } from '../../../../src/state/areas/transaction/parts.ts';
import { AS_CAPTURED, fakeArea, refuses } from './fake-areas.ts';

const killAt = process.env.TEST_KILL_AT;

export const parts: AreasParts = {
  areas: AREA_NAMES.map((name) =>
    fakeArea(name, name === 'printers' ? { validate: refuses('/etc/cups', 'garbage') } : {}),
  ),
  systemAt: (root) => new LocalSystem(root),
  ...AS_CAPTURED,
  onPoint: (point) => {
    if (point === killAt) process.kill(process.pid, 'SIGKILL');
  },
};
