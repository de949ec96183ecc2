import { accountsArea } from './accounts/index.ts';
import { applicationsArea } from './applications/index.ts';
import { backupRulesArea } from './backup-rules/index.ts';
import { AREA_NAMES } from './base/names.ts';
import type { Area } from './base/types.ts';
import { displayArea } from './display/index.ts';
import { environmentArea } from './environment/index.ts';
import { filesystemsArea } from './filesystems/index.ts';
import { homesArea } from './homes/index.ts';
import { hostnameArea } from './hostname/index.ts';
import { licencesArea } from './licences/index.ts';
import { networkArea } from './network/index.ts';
import { printersArea } from './printers/index.ts';
import { schedulesArea } from './schedules/index.ts';
import { securityArea } from './security/index.ts';
import { servicesArea } from './services/index.ts';
import { softwareArea } from './software/index.ts';
import { ttysArea } from './ttys/index.ts';
import { usrLocalArea } from './usr-local/index.ts';

/** Every area that is built. */
const BUILT: readonly Area[] = [
  accountsArea,
  applicationsArea,
  backupRulesArea,
  displayArea,
  environmentArea,
  filesystemsArea,
  homesArea,
  hostnameArea,
  licencesArea,
  networkArea,
  printersArea,
  schedulesArea,
  securityArea,
  servicesArea,
  softwareArea,
  ttysArea,
  usrLocalArea,
];

/** In the order of a restore. */
export const AREAS: readonly Area[] = AREA_NAMES.flatMap((name) => BUILT.filter((area) => area.name === name));
