import { AREA_NAMES, type AreaName } from './base/names.ts';
import type { Area } from './base/types.ts';

/** Every area that is built, in the order of a restore. */
const BUILT: readonly Area[] = [];

export const AREAS: readonly Area[] = AREA_NAMES.flatMap((name) => BUILT.filter((area) => area.name === name));

export const areaOf = (name: AreaName): Area | undefined => AREAS.find((area) => area.name === name);
