import { AREA_NAMES, type AreaName } from './base/names.ts';
import type { Area } from './base/types.ts';
import { environmentArea } from './environment/index.ts';
import { licencesArea } from './licences/index.ts';
import { networkArea } from './network/index.ts';
import { printersArea } from './printers/index.ts';
import { servicesArea } from './services/index.ts';

/** Every area that is built, in the order of a restore. */
const BUILT: readonly Area[] = [environmentArea, licencesArea, networkArea, printersArea, servicesArea];

export const AREAS: readonly Area[] = AREA_NAMES.flatMap((name) => BUILT.filter((area) => area.name === name));

export const areaOf = (name: AreaName): Area | undefined => AREAS.find((area) => area.name === name);
