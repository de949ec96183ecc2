import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../common/errors.ts';
import { DOCUMENTS_NAME } from '../../plan/source-tree.ts';
import { type ExpectedItem, type MachineDocument, writeAreaDocument, writeDocument } from '../base/documents.ts';
import type { System } from '../base/system.ts';
import type { Area, CaptureAbout, CouldNot, SourceMachine } from '../base/types.ts';
import { checkAtCapture } from '../checklist/at-capture.ts';
import type { Surveyed, SurveyedArea } from './messages.ts';

export interface SurveyParts {
  readonly system: System;
  readonly areas: readonly Area[];
  readonly about: CaptureAbout;
  /** See `SurveyWorkerData.folder`. */
  readonly folder: string;
}

/**
 * Looks at a machine, area by area, and writes the documents of a snapshot: `machine.json`, one for each area that it has
 * something of, and the checklist of what a restore shall find. An area that fails is told of, and the others go on.
 */
export function survey({ system, areas, about, folder }: SurveyParts): Omit<Surveyed, 'rules'> {
  const documents = join(folder, DOCUMENTS_NAME);
  mkdirSync(documents, { mode: 0o700 });
  const source = sourceOf(system);
  const surveyed: SurveyedArea[] = [];
  const checklist: ExpectedItem[] = [];
  const failed: MachineDocument['couldNot'] = [];
  for (const area of areas) {
    const captured = attempt(area, failed, () => area.capture(system, about));
    if (!captured) continue;
    const checkAbout = { source, nowMs: about.nowMs };
    const checks = attempt(area, failed, () => checkAtCapture(area, captured.content, system, checkAbout)) ?? [];
    checklist.push(...checks);
    const bytes = writeAreaDocument(documents, area, captured.content);
    surveyed.push({
      area: area.name,
      bytes,
      items: checks.length,
      roots: captured.roots ?? [],
      couldNot: [...(captured.couldNot ?? []), ...failed.filter((one) => one.area === area.name)],
    });
  }
  const lost = failed.filter(({ area }) => !surveyed.some((one) => one.area === area));
  writeDocument(documents, 'checklist', checklist);
  const machine: MachineDocument = {
    format: 1,
    source,
    asRoot: system.asRoot,
    capturedAt: new Date(about.nowMs).toISOString(),
    areas: surveyed.map(({ area }) => ({ name: area, version: areas.find(({ name }) => name === area)!.version })),
    roots: surveyed.flatMap(({ area, roots }) => roots.map((root) => ({ ...root, area }))),
    couldNot: [...surveyed.flatMap(({ area, couldNot }) => couldNot.map((one) => ({ area, ...one }))), ...lost],
  };
  writeDocument(documents, 'machine', machine);
  return {
    hostname: source.hostname,
    areas: [...surveyed, ...lost.map(lostArea)],
  };
}

function attempt<T>(area: Area, failed: MachineDocument['couldNot'], look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    failed.push({ area: area.name, what: `area ${area.name}`, why: `it could not be looked at: ${messageOf(error)}` });
    return undefined;
  }
}

function lostArea({ area, what, why }: { area: string; what: string; why: string }): SurveyedArea {
  const couldNot: CouldNot[] = [{ what, why }];
  return { area: area as SurveyedArea['area'], bytes: 0, items: 0, roots: [], couldNot };
}

/** Name and system of a machine, from its files. */
export function sourceOf(system: System): SourceMachine {
  const release = system.text('/etc/os-release') ?? system.text('/usr/lib/os-release') ?? '';
  const field = (name: string): string => {
    const value = new RegExp(`^${name}=(.*)$`, 'm').exec(release)?.[1] ?? '';
    return value.replace(/^(["'])(.*)\1$/, '$2').slice(0, 200);
  };
  return {
    hostname: (system.text('/etc/hostname') ?? '').trim().split('\n')[0]!.slice(0, 255),
    osId: field('ID'),
    osVersion: field('VERSION_ID'),
    osName: field('PRETTY_NAME'),
  };
}
