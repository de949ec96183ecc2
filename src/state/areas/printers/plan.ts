import { PRINT_QUEUES_FILE_MAX_BYTES } from '../../../common/limits.ts';
import type { Change } from '../base/change.ts';
import { contentOf } from '../base/config-file.ts';
import type { System } from '../base/system.ts';
import type { PlanBuilder, PrivilegedEffect, RestoreAbout } from '../base/types.ts';
import { classAt, describeClass, describePrinter, differencesOf, ppdPathOf, printerAt } from './compare.ts';
import { isOrdinary, redactUri, schemeOf } from './device-uri.ts';
import { missingDrivers } from './drivers.ts';
import { planClient, planServerFile } from './plan-files.ts';
import { planOptions } from './plan-options.ts';
import { needsPlugging, PLUG_IN } from './plugged-in.ts';
import { readPpd } from './ppd.ts';
import { blockOf, mapUsers } from './queues.ts';
import type { PrintClass, Printer, Printers, Queue } from './schema.ts';
import { CUPS, printGroupOf, TargetQueues } from './target.ts';

/** The item of the destination that jobs go to when none is named. */
export const DEFAULT_ID = 'default:destination';

export function planPrinters(content: Printers, plan: PlanBuilder, about: RestoreAbout): void {
  for (const printer of content.printers) {
    planPrinter(printer, plan, about);
    if (needsPlugging(printer, plan.system, about))
      plan.ask(`device:${printer.name}`, `Cable of ${printer.name}`, PLUG_IN);
  }
  for (const one of content.classes) planClass(one, plan, about);
  const chosen = [...content.printers, ...content.classes].find(({ isDefault }) => isDefault);
  if (chosen) planDefault(chosen.name, plan);
  planOptions(content, plan);
  if (content.client) planClient(content.client, plan, about);
  for (const file of content.server) planServerFile(file, plan);
  for (const { id, title, remedy } of missingDrivers(content.printers, plan.system)) plan.ask(id, title, remedy);
}

function planDefault(name: string, plan: PlanBuilder): void {
  const title = `Default printer ${name}`;
  const target = new TargetQueues(plan.system);
  const block = target.find(name);
  const other = target.blocks.find(({ isDefault }) => isDefault);
  if (block?.isDefault) {
    plan.same(DEFAULT_ID, title);
    return;
  }
  if (!block) {
    plan.ask(DEFAULT_ID, title, `${name} is not here: add it, then make it the default with lpadmin -d`);
    return;
  }
  if (other) {
    plan.keep(DEFAULT_ID, title, `${other.name} is the default here; lpadmin -d ${name} changes that`);
    return;
  }
  const changes = target.put({ ...block, isDefault: true });
  plan.want({ id: DEFAULT_ID, title, action: 'merge', detail: 'there is no default yet', changes });
}

function planPrinter(printer: Printer, plan: PlanBuilder, about: RestoreAbout): void {
  const id = `printer:${printer.name}`;
  const title = `Printer ${printer.name}`;
  const there = new TargetQueues(plan.system).find(printer.name);
  if (there?.kind === 'Class') {
    plan.ask(id, title, `a class has that name here; add the printer under another`);
    return;
  }
  const known = there && printerAt(plan.system, there);
  if (known && known.deviceUri !== printer.deviceUri) {
    const to = `${redactUri(known.deviceUri)}; captured was ${redactUri(printer.deviceUri)}`;
    plan.ask(id, title, `a queue of that name leads to ${to}: choose the address in the printer settings`);
    return;
  }
  const different = known ? differencesOf(printer, known, about.owners) : [];
  if (known && different.length === 0) {
    plan.same(id, title);
    return;
  }
  const lacksDriverOnly = known && !known.ppd && different.join() === 'driver';
  if (known && !lacksDriverOnly) {
    plan.ask(id, title, `it is there with settings of its own (${different.join(', ')}): compare them`);
    return;
  }
  const { effect, why } = effectOf(printer);
  const changes = [...ppdChanges(printer, plan.system), ...(known ? [] : queueChanges(printer, plan.system, about))];
  if (isTooLarge(changes)) {
    plan.withhold(id, title, 'there would be more queues than this print server can be given at once');
    return;
  }
  plan.want({
    id,
    title,
    action: known ? 'merge' : 'add',
    detail: `${describePrinter(printer)}${why ? `; ${why}` : ''}`,
    ...(effect && { effect }),
    changes,
  });
}

/** What would be started for it that is not ordinary. */
function effectOf(printer: Printer): { effect?: PrivilegedEffect; why?: string } {
  if (!isOrdinary(printer.deviceUri)) {
    return { effect: 'root-runs', why: `the backend ${schemeOf(printer.deviceUri)} runs with that address` };
  }
  const monitor = printer.settings.find(
    ({ name, value }) => name === 'PortMonitor' && !/^(none|bcp|tbcp)$/.test(value),
  );
  if (monitor) return { effect: 'root-runs', why: `the port monitor ${monitor.value} runs` };
  return printer.ppd ? readPpd(printer.ppd) : {};
}

function ppdChanges({ name, ppd }: Printer, system: System): Change[] {
  // One that an earlier queue left would become this one's.
  if (!ppd) return system.facts(ppdPathOf(name)) ? [{ kind: 'remove', path: ppdPathOf(name) }] : [];
  const group = printGroupOf(system);
  const owner = { uid: 0, gid: group ?? 0 };
  // Filters run as that group and read it; where there is none, everybody may: it holds no secrets.
  const mode = group === undefined ? 0o644 : 0o640;
  return [
    { kind: 'folder', path: CUPS, mode: 0o755, uid: 0, gid: 0 },
    { kind: 'folder', path: `${CUPS}/ppd`, mode: 0o755, ...owner },
    { kind: 'file', path: ppdPathOf(name), content: contentOf(ppd), mode, ...owner },
  ];
}

function queueChanges(queue: Queue, system: System, about: RestoreAbout): Change[] {
  const target = new TargetQueues(system);
  const block = blockOf(mapUsers(queue, about.owners), {
    id: target.nextId,
    isDefault: false,
    // To other machines it is the print server's queue of old only if the machine is.
    keepsUuid: about.identity === 'same',
    nowMs: about.nowMs,
  });
  return [{ kind: 'folder', path: CUPS, mode: 0o755, uid: 0, gid: 0 }, ...target.put(block)];
}

/** A document of many queues with long settings would make a plan that no memory holds. */
function isTooLarge(changes: readonly Change[]): boolean {
  return changes.some(
    (change) =>
      change.kind === 'file' && change.path.endsWith('.conf') && change.content.length > PRINT_QUEUES_FILE_MAX_BYTES,
  );
}

function planClass(one: PrintClass, plan: PlanBuilder, about: RestoreAbout): void {
  const id = `class:${one.name}`;
  const title = `Printer class ${one.name}`;
  const target = new TargetQueues(plan.system);
  const there = target.find(one.name);
  if (there) {
    const different =
      there.kind === 'Class' ? differencesOf(one, classAt(there), about.owners) : ['a printer, no class'];
    if (different.length === 0) {
      plan.same(id, title);
      return;
    }
    plan.ask(id, title, `it is there with settings of its own (${different.join(', ')}): compare them`);
    return;
  }
  const missing = one.members.filter((member) => target.find(member) === undefined);
  if (missing.length > 0) {
    plan.ask(id, title, `${missing.join(', ')} is not here: add it, then the class with lpadmin -p … -c ${one.name}`);
    return;
  }
  const changes = queueChanges(one, plan.system, about);
  if (isTooLarge(changes))
    plan.withhold(id, title, 'there would be more classes than this print server can be given at once');
  else plan.want({ id, title, action: 'add', detail: describeClass(one), changes });
}
