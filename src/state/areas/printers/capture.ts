import type { z } from 'zod';
import { PRINT_OPTIONS_MAX, PRINT_QUEUES_MAX } from '../../../common/limits.ts';
import { type ConfigFile, hasContentOf, readConfigFile } from '../base/config-file.ts';
import type { System } from '../base/system.ts';
import type { Captured, CouldNot } from '../base/types.ts';
import { isFoundByItself } from './device-uri.ts';
import { readOptions } from './lpoptions.ts';
import { isOfCups, packagesOf, placeOf, programsOf } from './programs.ts';
import { blocksOf, type QueueBlock, type QueueKind, readQueueFile } from './queue-file.ts';
import { classOf, printerOf } from './queues.ts';
import {
  type DestinationOptions,
  destinationOptions,
  type Printer,
  type Printers,
  printClass,
  printer,
} from './schema.ts';

const CUPS = '/etc/cups';
/** Where the print server's own settings are, and what its package made them. */
const SERVER_FILES = ['cupsd.conf', 'cups-files.conf'];

export function capturePrinters(system: System): Captured<Printers> | undefined {
  const couldNot: CouldNot[] = [];
  const read = readPrinters(system, couldNot);
  const classes = readBlocks(system, 'Class', couldNot).flatMap((block) =>
    checked(printClass, classOf(block), `class ${block.name}`, couldNot),
  );
  const found = read.filter(isLeftToBrowsing);
  const printers = read
    .filter((one) => !isLeftToBrowsing(one))
    .slice(0, PRINT_QUEUES_MAX)
    .map((one) => withPrograms(system, one, couldNot));
  const client = readConfigFile(system, `${CUPS}/client.conf`);
  const content: Printers = {
    printers: withPackages(system, printers),
    classes: classes.slice(0, PRINT_QUEUES_MAX),
    foundByThemselves: found.map(({ name }) => name),
    options: readDestinations(system, couldNot),
    ...(client && { client }),
    server: SERVER_FILES.flatMap((name) => changedServerFile(system, name)),
  };
  const { server, options, foundByThemselves } = content;
  const isNothing = [printers, classes, options, server, foundByThemselves, couldNot].every((list) => !list.length);
  return isNothing && !client ? undefined : { content, couldNot };
}

/** The file if the machine's is other than its package's. */
function changedServerFile(system: System, name: string): ConfigFile[] {
  const file = readConfigFile(system, `${CUPS}/${name}`);
  const pristine = readConfigFile(system, `/usr/share/cups/${name}.default`);
  return file && pristine && !hasContentOf(system, pristine, file.path) ? [file] : [];
}

function readPrinters(system: System, couldNot: CouldNot[]): Printer[] {
  return readBlocks(system, 'Printer', couldNot).flatMap((block) => {
    const path = `${CUPS}/ppd/${block.name}.ppd`;
    const read = printerOf(block);
    const ppd = /[/\0]/.test(block.name) ? undefined : readConfigFile(system, path);
    if (!ppd && system.isUnreadable(path)) couldNot.push({ what: path, why: 'it cannot be read; run as root' });
    return checked(printer, { ...read, ...(ppd && { ppd }) }, `printer ${block.name}`, couldNot);
  });
}

/** With the programs that it needs and the machine has; those that are missing already are named. */
function withPrograms(system: System, one: Printer, couldNot: CouldNot[]): Printer {
  const programs = programsOf(one);
  for (const { kind, name } of programs.filter((needed) => !placeOf(system, needed))) {
    couldNot.push({ what: `the ${kind} ${name} of the printer ${one.name}`, why: 'it is not installed here' });
  }
  return { ...one, programs: programs.filter((needed) => placeOf(system, needed)) };
}

function readBlocks(system: System, kind: QueueKind, couldNot: CouldNot[]): QueueBlock[] {
  const path = kind === 'Printer' ? `${CUPS}/printers.conf` : `${CUPS}/classes.conf`;
  const text = system.text(path);
  if (text === undefined) {
    if (system.isUnreadable(path)) couldNot.push({ what: path, why: 'it cannot be read; run as root' });
    return [];
  }
  const file = readQueueFile(text);
  couldNot.push(...file.problems.map((problem) => ({ what: path, why: problem })));
  return blocksOf(file).filter((block) => block.kind === kind);
}

function readDestinations(system: System, couldNot: CouldNot[]): DestinationOptions[] {
  const read = readOptions(system.text(`${CUPS}/lpoptions`) ?? '');
  return read
    .flatMap((one) => checked(destinationOptions, one, `options of ${one.destination}`, couldNot))
    .slice(0, PRINT_OPTIONS_MAX);
}

function isLeftToBrowsing({ deviceUri, settings }: Printer): boolean {
  return isFoundByItself(deviceUri) || settings.some((one) => /^cups-browsed(-default)? true$/.test(one.value));
}

function withPackages(system: System, printers: readonly Printer[]): Printer[] {
  const places = new Set(printers.flatMap(({ programs }) => programs.flatMap((one) => placeOf(system, one) ?? [])));
  const packages = packagesOf(system, [...places]);
  return printers.map((one) => ({
    ...one,
    programs: one.programs.map((program) => {
      const name = packages.get(placeOf(system, program) ?? '') ?? (isOfCups(program) ? 'cups' : undefined);
      return name ? { ...program, package: name } : program;
    }),
  }));
}

/** What is not as cupsd would have it is kept out and named. */
function checked<T>(schema: z.ZodType<T>, value: unknown, what: string, couldNot: CouldNot[]): T[] {
  const { data, error } = schema.safeParse(value);
  if (data !== undefined) return [data];
  const issue = error?.issues[0];
  couldNot.push({ what, why: `its ${issue?.path.join('.') ?? 'entry'} is broken; set it up again` });
  return [];
}
