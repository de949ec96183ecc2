import type { ConfigFile } from '../base/config-file.ts';
import type { System } from '../base/system.ts';
import type { Captured, CouldNot } from '../base/types.ts';
import { readFacts } from './facts.ts';
import { filesNamedBy, parseConnection } from './keyfile.ts';
import { managersOf } from './managers.ts';
import { readFiles } from './network-files.ts';
import type { NetworkContent } from './schema.ts';

export function captureNetwork(system: System): Captured<NetworkContent> | undefined {
  const couldNot: CouldNot[] = [];
  const files = readFiles(system, couldNot);
  const facts = readFacts(system, couldNot, files);
  const isEmpty = files.length + facts.adapters.length + facts.nameservers.length + couldNot.length === 0;
  return isEmpty
    ? undefined
    : { content: { facts, managers: managersOf(system), absentFiles: absentFilesOf(files, system), files }, couldNot };
}

function absentFilesOf(files: readonly ConfigFile[], system: System): string[] {
  const named = files.flatMap(({ path, text = '' }) => {
    const connection = path.startsWith('/etc/NetworkManager/system-connections/') ? parseConnection(text) : '';
    return typeof connection === 'string' ? [] : filesNamedBy(connection);
  });
  return [...new Set(named)].filter((path) => system.facts(path) === undefined && !system.isUnreadable(path));
}
