import type { CheckItem, Verdict } from '../base/check-item.ts';
import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import { checkFacts } from './check-facts.ts';
import { filesNamedBy, parseConnection } from './keyfile.ts';
import { isInstalled } from './managers.ts';
import { isThere, type Placing, placingsOf } from './placing.ts';
import type { NetworkContent } from './schema.ts';

export function checkNetwork(content: NetworkContent, system: System, about: RestoreAbout): CheckItem[] {
  const files = placingsOf(content, system, about).map((placing) => checkFile(placing, content, system));
  return [...files, ...checkFacts(content, system, about)];
}

function checkFile(placing: Placing, content: NetworkContent, system: System): CheckItem {
  const { id, title, file, fitted, kind } = placing;
  const judged = (verdict: Verdict, observed: string, remedy?: string): CheckItem => ({
    id,
    group: 'networking files',
    title,
    expected:
      file.link === undefined ? `${file.path} with the captured settings` : `${file.path}, a link to ${file.link}`,
    observed,
    verdict,
    evidence: fitted.path,
    ...(remedy !== undefined && { remedy }),
  });
  const { refusal, notes, path } = fitted;
  if (!isThere(system, placing)) {
    if (refusal?.kind === 'ask') return judged('person', 'left to a person', refusal.why);
    if (refusal) return judged('skipped', `not carried: ${refusal.why}`);
    if (system.isUnreadable(path)) return judged('skipped', 'it cannot be read; run as root');
    const observed = system.facts(path) ? 'other settings' : 'it is not there';
    return judged('failed', observed, `restore the area network again, or write ${path} by hand`);
  }
  const mode = system.facts(path)?.mode ?? 0;
  if (kind.isSecret && (mode & 0o077) !== 0 && (file.mode & 0o077) === 0) {
    return judged('failed', `others may read it (mode ${mode.toString(8)})`, `chmod 600 ${path}`);
  }
  const { manager } = kind;
  if (manager && content.managers.includes(manager) && !isInstalled(system, manager)) {
    return judged('person', `it is there, but ${manager} is not`, `install ${manager}`);
  }
  const missing = missingFile(placing, content, system);
  if (missing)
    return judged('person', `it names ${missing}, which is not there`, `copy ${missing} from the old machine`);
  return notes.length > 0 ? judged('changed', `it is there; ${notes.join('; ')}`) : judged('same', 'it is there');
}

/** The first certificate or key that a connection names and the target lacks; what the source lacked too does not count. */
function missingFile({ kind, fitted, file }: Placing, content: NetworkContent, system: System): string | undefined {
  if (kind.kind !== 'connection') return undefined;
  const named = (text: string): string[] => {
    const connection = parseConnection(text);
    return typeof connection === 'string' ? [] : filesNamedBy(connection);
  };
  const before = named(file.text ?? '');
  return named(fitted.text ?? file.text ?? '').find(
    (path, at) =>
      !content.absentFiles.includes(before[at] ?? path) && !system.facts(path) && !system.isUnreadable(path),
  );
}
