import type { System } from '../base/system.ts';
import type { Captured, CouldNot } from '../base/types.ts';
import { readFacts } from './facts.ts';
import { managersOf } from './managers.ts';
import { readFiles } from './network-files.ts';
import type { NetworkContent } from './schema.ts';

export function captureNetwork(system: System): Captured<NetworkContent> | undefined {
  const couldNot: CouldNot[] = [];
  const files = readFiles(system, couldNot);
  const facts = readFacts(system, couldNot, files);
  const isEmpty = files.length + facts.adapters.length + facts.nameservers.length + couldNot.length === 0;
  return isEmpty ? undefined : { content: { facts, managers: managersOf(system), files }, couldNot };
}
