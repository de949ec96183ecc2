import { LICENCE_FILE_MAX_BYTES, LICENCES_MAX, LICENCES_MAX_BYTES } from '../../../common/limits.ts';
import { readConfigFile } from '../base/config-file.ts';
import { homesOf } from '../base/homes-of.ts';
import type { System } from '../base/system.ts';
import type { CaptureAbout, Captured, CouldNot } from '../base/types.ts';
import { hostIdsOf, namesOf } from './host-ids.ts';
import { homePlaces, storePlaces, systemPlaces } from './places.ts';
import { recognise } from './recognise.ts';
import type { Licence, LicencesContent } from './schema.ts';
import { assignmentsIn, homeVariableFiles, variableFiles } from './variables.ts';

interface Place {
  readonly path: string;
  readonly home?: string;
}

/** Licences in the usual places, settings that name licence servers, and stores that cannot leave the machine. */
export function captureLicences(system: System, about: CaptureAbout): Captured<LicencesContent> | undefined {
  const couldNot: CouldNot[] = [];
  const homes = homesOf(system, about.users).map(({ path }) => path);
  const places: Place[] = [
    ...systemPlaces(system).map((path) => ({ path })),
    ...homes.flatMap((home) => homePlaces(system, home).map((path) => ({ path, home }))),
  ];
  const licences = licencesAt(system, places, couldNot);
  const files: Place[] = [
    ...variableFiles(system).map((path) => ({ path })),
    ...homes.flatMap((home) => homeVariableFiles(system, home).map((path) => ({ path, home }))),
  ];
  const assignments = files.flatMap((place) =>
    assignmentsIn(system.text(place.path) ?? '').map((one) => ({ ...place, ...one })),
  );
  // Of several in one file the last holds.
  const variables = [...new Map(assignments.map((one) => [`${one.name} ${one.path}`, one])).values()].slice(
    0,
    LICENCES_MAX,
  );
  const stores = storePlaces(system);
  if (licences.length + variables.length + stores.length + couldNot.length === 0) return undefined;
  return { content: { hostNames: namesOf(system), hostIds: hostIdsOf(system), licences, variables, stores }, couldNot };
}

function licencesAt(system: System, places: readonly Place[], couldNot: CouldNot[]): Licence[] {
  const licences: Licence[] = [];
  let totalBytes = 0;
  for (const { path, home } of places) {
    if (system.isUnreadable(path)) {
      couldNot.push({ what: path, why: 'it cannot be read; run as root' });
      continue;
    }
    const bytes = system.read(path, LICENCE_FILE_MAX_BYTES);
    if (!bytes || !recognise(path, bytes)) continue;
    totalBytes += bytes.length;
    const file = readConfigFile(system, path);
    if (!file || licences.length === LICENCES_MAX || totalBytes > LICENCES_MAX_BYTES) {
      couldNot.push({ what: path, why: `there are more licences than ${LICENCES_MAX}, or they are larger than 8 MiB` });
      break;
    }
    licences.push({ file, ...(home !== undefined && { home }) });
  }
  return licences;
}
