import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { FILE_KINDS } from './file-kinds.ts';
import { interfacesProblem, parseInterfaces } from './ifupdown.ts';
import { parseConnection } from './keyfile.ts';
import { parseNetplan } from './netplan-document.ts';
import { pathsOf } from './network-files.ts';
import { parseNetworkd } from './networkd.ts';

const JUDGES: Readonly<Record<string, (text: string) => string | undefined>> = {
  connection: (text) => textOr(parseConnection(text)),
  netplan: (text) => textOr(parseNetplan(text)),
  interfaces: (text) => interfacesProblem(parseInterfaces(text)),
  networkd: (text) => (parseNetworkd(text).badLines.length > 0 ? 'a line is no key and value' : undefined),
};
const textOr = (parsed: unknown): string | undefined => (typeof parsed === 'string' ? parsed : undefined);

/** What the network's programs would not take. `before`: the machine before the changes; what was wrong then is left out. */
export function validateNetwork(system: System, before?: System): Problem[] {
  const known = new Set((before ? problemsOf(before) : []).map(({ what, why }) => `${what} ${why}`));
  return problemsOf(system).filter(({ what, why }) => !known.has(`${what} ${why}`));
}

function problemsOf(system: System): Problem[] {
  const uuids = new Map<string, string>();
  return FILE_KINDS.flatMap((kind) => {
    const judge = JUDGES[kind.kind];
    if (!judge) return [];
    return pathsOf(system, kind, kind.folder, []).flatMap((path): Problem[] => {
      const text = system.text(path);
      if (text === undefined) return [];
      const why =
        judge(text) ?? (kind.kind === 'connection' ? connectionProblem(system, path, text, uuids) : undefined);
      return why === undefined ? [] : [{ what: path, why }];
    });
  });
}

function connectionProblem(system: System, path: string, text: string, uuids: Map<string, string>): string | undefined {
  const facts = system.facts(path);
  if (facts && (facts.uid !== 0 || (facts.mode & 0o077) !== 0))
    return 'it is not root’s alone: NetworkManager ignores it';
  const connection = parseConnection(text);
  const uuid = typeof connection === 'string' ? undefined : connection.uuid;
  const other = uuid && uuids.get(uuid);
  if (uuid) uuids.set(uuid, path);
  return other ? `it has the uuid of ${other}` : undefined;
}
