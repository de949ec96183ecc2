/**
 * Terminals: which gettys run and how, keyboard and console, logind's settings, rules for serial devices. Settings are merged
 * by name into the target's files; what was chosen there stays. Drop-ins and device rules come whole, and only where that is
 * allowed, since root runs by them.
 */
import { defineArea } from '../base/define-area.ts';
import { activateTtys } from './activate.ts';
import { captureTtys } from './capture.ts';
import { checkTtys } from './check.ts';
import { planTtys } from './plan.ts';
import { type Ttys, ttysSchema } from './schema.ts';
import { SETTING_FILES } from './setting-files.ts';
import { WANTS } from './unit-links.ts';
import { PLAIN_FOLDERS, SINGLE_FILES, UNIT_FOLDER } from './whole-files.ts';

export const ttysArea = defineArea<Ttys>({
  name: 'ttys',
  version: 1,
  schema: ttysSchema,
  writes: [
    ...SETTING_FILES.map(({ path }) => path),
    ...SINGLE_FILES,
    ...PLAIN_FOLDERS.flatMap((folder) => [folder, `${folder}/*`]),
    WANTS,
    `${WANTS}/*.service`,
    ...['*getty', '*getty@*', 'autovt@*'].flatMap((name) => [
      `${UNIT_FOLDER}/${name}.service`,
      `${UNIT_FOLDER}/${name}.service.d`,
      `${UNIT_FOLDER}/${name}.service.d/*`,
    ]),
    ...['/etc/default', '/etc/systemd', UNIT_FOLDER, '/etc/udev', '/etc/X11', '/etc/X11/xorg.conf.d'],
  ],
  capture: (system) => captureTtys(system),
  plan: planTtys,
  check: checkTtys,
  activate: activateTtys,
});
