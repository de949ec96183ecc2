import { readdirSync } from 'node:fs';
import type { Scenario } from './scenario.ts';

const FOLDER = new URL('./scenarios/', import.meta.url);

/** Every scenario: each file in `scenarios` exports `scenarios`, a list. */
export async function allScenarios(): Promise<Scenario[]> {
  const all: Scenario[] = [];
  for (const name of readdirSync(FOLDER).sort()) {
    if (!name.endsWith('.ts')) continue;
    const { scenarios } = (await import(new URL(name, FOLDER).href)) as { scenarios: readonly Scenario[] };
    all.push(...scenarios);
  }
  const names = all.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`two scenarios are called ${twice}`);
  return all;
}
