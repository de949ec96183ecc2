import type { z } from 'zod';
import type { Change } from './change.ts';
import type { CheckItem } from './check-item.ts';
import type { AreaName } from './names.ts';
import type { System } from './system.ts';

/** Whether the target is the captured machine, installed anew, or another one. Decides what may be carried. */
export type Identity = 'same' | 'new';

/**
 * What must never come from a snapshot alone (docs/THREATS.md, T7): each is withheld and listed unless root asked for it
 * with `--allow-privileged` after the difference was shown.
 */
export const PRIVILEGED_EFFECTS = {
  'root-runs': 'root would run it',
  hook: 'it runs by itself at some event',
  udev: 'it decides about devices',
  environment: 'it is in everybody’s environment, root’s too',
  'package-source': 'software would be installed from it',
  certificate: 'it would be trusted as an authority',
  'name-resolution': 'it decides which machine a name leads to',
  network: 'it decides where this machine’s traffic goes',
  sudoers: 'it lets people become root',
  polkit: 'it lets people do what root may',
  'privileged-group': 'members of that group can become root, or read what only root may',
  'existing-account': 'it would change an account that is there',
  'mount-table': 'it decides what is mounted where',
  firewall: 'it decides who reaches this machine',
  'root-file': 'it would be root’s file, outside of what packages own',
} as const;

export type PrivilegedEffect = keyof typeof PRIVILEGED_EFFECTS;

/** Something that a capture or a restore could not do, with the object and what to do about it. */
export interface CouldNot {
  readonly what: string;
  readonly why: string;
}

export interface CaptureAbout {
  /** Only what belongs to these users, where it belongs to users; undefined: all local people. */
  readonly users?: ReadonlySet<string>;
  readonly nowMs: number;
}

/** A path whose files the file engine takes, by the catalogue's rules. */
export interface FileRoot {
  readonly path: string;
  /** Nothing beneath it keeps setuid, capabilities, devices or root's ownership, whoever asks (T7). */
  readonly isPersonal: boolean;
}

export interface Captured<Content> {
  readonly content: Content;
  readonly roots?: readonly FileRoot[];
  readonly couldNot?: readonly CouldNot[];
}

/** Who gets what belonged to whom. Names and numbers that nobody knows stay as they are. */
export interface Owners {
  user(name: string): string;
  group(name: string): string;
  uid(captured: number): number;
  gid(captured: number): number;
  /** Where a captured home lies on the target: another path where its user has another name there. */
  home(captured: string): string;
  /** Whether a user of the target, by the name there, is one that comes with this restore. */
  isNew(name: string): boolean;
}

/** What the source was, from the snapshot's own word. */
export interface SourceMachine {
  readonly hostname: string;
  /** ID and VERSION_ID of os-release; empty where it has none. */
  readonly osId: string;
  readonly osVersion: string;
  readonly osName: string;
}

export interface RestoreAbout {
  readonly identity: Identity;
  readonly owners: Owners;
  readonly source: SourceMachine;
  readonly nowMs: number;
}

/** `ask`: nothing is done, a person has to decide or to do something. `same`: it is there as captured. */
export type PlanAction = 'add' | 'replace' | 'merge' | 'remove' | 'same' | 'keep' | 'withhold' | 'ask';

/** One thing that people know by name: a user, a printer, a connection. */
export interface PlanItem {
  readonly area: AreaName;
  /** `kind:name`, the same in the checklist: `user:ann`, `printer:lab`. */
  readonly id: string;
  readonly title: string;
  readonly action: PlanAction;
  /** What will be done, or why not, or what a person should do. */
  readonly detail: string;
  readonly effect?: PrivilegedEffect;
  /** What is done for it, in order. None of those that would change nothing. */
  readonly changes: readonly Change[];
}

/** What an area wants for one item. */
export interface Wanted {
  readonly id: string;
  readonly title: string;
  readonly action: 'add' | 'replace' | 'merge' | 'remove';
  readonly detail: string;
  readonly effect?: PrivilegedEffect;
  readonly changes: readonly Change[];
}

/** Takes what an area plans, and shows it the machine as it will be. */
export interface PlanBuilder {
  /** With what earlier areas and earlier calls planned. Withheld items are not in it. */
  readonly system: System;
  /** Whether items with a privileged effect are made here; what is kept by default may then be wanted. */
  readonly allowsPrivileged: boolean;
  /** False: withheld, since it has an effect that is not allowed, or the target cannot be written. */
  want(item: Wanted): boolean;
  /** What the file engine does for an item; the area changes nothing for it. False: withheld for its effect. */
  byFiles(item: Omit<Wanted, 'changes'>): boolean;
  /** What is there stays, although something else was captured. */
  keep(id: string, title: string, why: string): void;
  /** A person has to decide or do something. */
  ask(id: string, title: string, remedy: string): void;
  /** It is not carried at all, with the reason: the never-list, the wrong identity, what fails a check. */
  withhold(id: string, title: string, why: string, effect?: PrivilegedEffect): void;
  /** It is there as captured. */
  same(id: string, title: string): void;
}

export interface Problem {
  readonly what: string;
  /** What the machine's own program said, or what was found. */
  readonly why: string;
}

/**
 * One kind of system state. Its methods are synchronous, run in a worker, and change nothing: what a restore does is the
 * list of changes that `plan` gives, and no other.
 */
export interface Area<Content = unknown> {
  readonly name: AreaName;
  /** Of its document. A document of a later version is not read; one of an earlier version has been brought up to date. */
  readonly version: number;
  readonly schema: z.ZodType<Content>;
  /** What it may change: paths, `*` for one name, `**` for all beneath. Anything else is refused, whatever a document says. */
  readonly writes: readonly string[];
  /** Units that are stopped, where they run, while its changes are made on a live machine, and started again. */
  readonly stops?: readonly string[];
  /** Undefined where this machine has nothing of it. */
  capture(system: System, about: CaptureAbout): Captured<Content> | undefined;
  plan(content: Content, plan: PlanBuilder, about: RestoreAbout): void;
  /**
   * Every item of the document, beside what the machine has: `expected` is made from the document alone. At capture it is run
   * on the source itself, so that a checklist exists before anything is restored.
   */
  check(content: Content, system: System, about: RestoreAbout): readonly CheckItem[];
  /**
   * Judges the machine by its own programs, where they are there: before the changes to the paths of `changed` are made, and
   * after them. What was not wrong before undoes the area. Without `changed` everything is looked at.
   */
  validate?(system: System, changed?: ReadonlySet<string>): readonly Problem[];
  /** Makes a live machine take notice: reload, start. Problems are told, not undone, unless the link is lost. */
  activate?(system: System, changed: ReadonlySet<string>): readonly Problem[];
}
