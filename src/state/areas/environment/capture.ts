import type { z } from 'zod';
import { ENVIRONMENT_MAX_CHARS, ENVIRONMENT_VALUES_MAX, LOGIN_SHELLS_MAX } from '../../../common/limits.ts';
import { readAssignments } from '../base/assignments.ts';
import { type ConfigFile, readConfigFile, readConfigFolder } from '../base/config-file.ts';
import type { System } from '../base/system.ts';
import type { Captured, CouldNot } from '../base/types.ts';
import { readLocale } from './locale.ts';
import { LOCALE_GEN, readLocaleGen } from './locale-gen.ts';
import {
  type Environment,
  generatedLocale,
  localeVariable,
  shellPath,
  timeZone,
  type Variable,
  variable,
} from './schema.ts';
import { ownShells, SHELLS } from './shells.ts';
import { readTimeZone } from './time-zone.ts';
import { ENVIRONMENT, isStandardPath } from './variables.ts';
import { DEPTH_MAX, effectOfFile, FOLDERS, isAsPackaged, isOfPackage, SINGLE_FILES } from './whole-files.ts';

export function captureEnvironment(system: System): Captured<Environment> | undefined {
  const couldNot: CouldNot[] = [];
  const zone = readTimeZone(system);
  const [known] = zone === undefined ? [] : checked(timeZone, [zone], () => 'the time zone', couldNot);
  const variables = readAssignments(read(system, ENVIRONMENT, couldNot)).filter((one) => !isStandardPath(one));
  const locale = checked(localeVariable, readLocale(system), ({ name }) => `the locale variable ${name}`, couldNot);
  const content: Environment = {
    locale: locale.slice(0, 100),
    generatedLocales: checked(generatedLocale, readLocaleGen(system.text(LOCALE_GEN) ?? ''), String, couldNot),
    ...(known !== undefined && { timeZone: known }),
    variables: upToLimit(
      checked(variable, variables, ({ name }) => `the variable ${name} of ${ENVIRONMENT}`, couldNot),
      couldNot,
    ),
    shells: checked(shellPath, ownShells(read(system, SHELLS, couldNot)), String, couldNot).slice(0, LOGIN_SHELLS_MAX),
    files: readFiles(system, couldNot),
  };
  const isNothing = Object.values(content).every((value) => value.length === 0) && couldNot.length === 0;
  return isNothing ? undefined : { content, couldNot };
}

/** Those that no package owns, and those of packages that somebody changed. */
function readFiles(system: System, couldNot: CouldNot[]): ConfigFile[] {
  const isWanted = (path: string) => effectOfFile(path) !== undefined && !isAsPackaged(system, path);
  const singles = SINGLE_FILES.filter((path) => isWanted(path) && isOfPackage(system, path));
  return [
    ...singles.flatMap((path) => readConfigFile(system, path) ?? []),
    ...FOLDERS.flatMap((folder) => readConfigFolder(system, folder, couldNot, isWanted, DEPTH_MAX)),
  ];
}

function read(system: System, path: string, couldNot: CouldNot[]): string {
  if (system.isUnreadable(path)) couldNot.push({ what: path, why: 'it cannot be read; run as root' });
  return system.text(path) ?? '';
}

/** Those that fit together into what a program can be started with. */
function upToLimit(variables: readonly Variable[], couldNot: CouldNot[]): Variable[] {
  let left = ENVIRONMENT_MAX_CHARS;
  return variables.filter(({ name, value }) => {
    const fits = value.length <= left;
    if (fits) left -= value.length;
    else couldNot.push({ what: `the variable ${name} of ${ENVIRONMENT}`, why: 'it is too long; set it by hand' });
    return fits;
  });
}

function checked<T>(schema: z.ZodType<T>, values: readonly T[], name: (one: T) => string, couldNot: CouldNot[]): T[] {
  return values
    .filter((one) => {
      const isRight = schema.safeParse(one).success;
      if (!isRight) couldNot.push({ what: name(one), why: 'it is not written as it should be; correct it there' });
      return isRight;
    })
    .slice(0, ENVIRONMENT_VALUES_MAX);
}
