import { AREA_ITEMS_MAX } from '../../../common/limits.ts';
import type { System } from '../base/system.ts';
import type { CaptureAbout, Captured, CouldNot } from '../base/types.ts';
import { installedByOthers } from './managers.ts';
import { codenameOf, manualPackages } from './packages.ts';
import type { SoftwareContent } from './schema.ts';
import { readSources } from './sources.ts';

/** What was installed by somebody's wish, and where it comes from; known from files, no manager is run. */
export function captureSoftware(system: System, about: CaptureAbout): Captured<SoftwareContent> | undefined {
  const couldNot: CouldNot[] = [];
  const debPackages = manualPackages(system)
    .map(({ name, version, isHeld }) => ({ name, version, isHeld }))
    .slice(0, AREA_ITEMS_MAX);
  const sources = readSources(system, couldNot).slice(0, AREA_ITEMS_MAX);
  const others = installedByOthers(system, about.users).slice(0, AREA_ITEMS_MAX);
  if (debPackages.length + sources.length + others.length + couldNot.length === 0) return undefined;
  return { content: { codename: codenameOf(system), debPackages, sources, others }, couldNot };
}
