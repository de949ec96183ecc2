import type { CatalogueRule } from '../../catalogue/schema.ts';
import type { CheckItem } from '../base/check-item.ts';
import type { Identity } from '../base/types.ts';
import { type Installed, packagesOf } from './packages.ts';
import type { Application } from './schema.ts';
import { brokenUnit } from './units.ts';
import { installCommand } from './words.ts';

/** Whether the program itself is installed, from the same source or another one that its rule knows. */
export function checkPackages(
  { id, name, packages }: Application,
  rule: CatalogueRule | undefined,
  installed: Installed,
): CheckItem[] {
  const [first] = packages;
  if (!first) return [];
  const item = {
    id: `package:${id}`,
    group: `application ${name}`,
    title: `${name} is installed`,
    expected: packages.map((one) => one.name).join(', '),
    evidence: 'what dpkg, flatpak and snap have noted',
  };
  const there = packages.filter((one) => installed[one.source].has(one.name));
  const others = rule ? packagesOf(rule, installed) : [];
  const observed = (there.length > 0 ? there : others).map((one) => one.name).join(', ');
  if (there.length > 0) return [{ ...item, observed, verdict: 'same' }];
  if (others.length > 0) return [{ ...item, observed, verdict: 'changed' }];
  const remedy = `install ${first.name}: ${installCommand(first)}`;
  return [{ ...item, observed: 'not installed', verdict: 'person', remedy }];
}

/** What a person has to do on another machine. */
export function checkNote({ id, name, note }: Application, identity: Identity): CheckItem[] {
  if (note === undefined) return [];
  const item = {
    id: `note:${id}`,
    group: `application ${name}`,
    title: `${name} on another machine`,
    expected: 'what moves with the machine is set again',
    evidence: `the catalogue's rule ${id}`,
  };
  if (identity === 'same') return [{ ...item, observed: 'it is the same machine', verdict: 'same' }];
  return [{ ...item, observed: 'it is another machine', verdict: 'person', remedy: note }];
}

/** Told of both sides of what is carried together or not at all. */
export function checkUnit(application: Application, all: readonly Application[]): CheckItem[] {
  const broken = brokenUnit(application, all);
  if (broken === undefined) return [];
  return [
    {
      id: `unit:${application.id}`,
      group: `application ${application.name}`,
      title: `${application.name} and what it is one with`,
      expected: 'carried together',
      observed: broken,
      verdict: 'person',
      evidence: `the catalogue's rule ${application.id}`,
      remedy: 'capture again with both, or export the passwords on the old machine',
    },
  ];
}
