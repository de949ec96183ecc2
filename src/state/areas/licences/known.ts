import { contentOf } from '../base/config-file.ts';
import { pathInHome } from '../base/home-paths.ts';
import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import type { LicenceFacts } from './facts.ts';
import { hostIdsOf, isHostName, plainHostId } from './host-ids.ts';
import { type Judgement, judge, type LicenceOwner } from './judge.ts';
import { recognise, renamed } from './recognise.ts';
import type { Licence, LicencesContent } from './schema.ts';

/** A captured licence as it is to be on one target. */
export interface KnownLicence {
  /** Where it belongs there. */
  readonly path: string;
  readonly facts: LicenceFacts;
  readonly judgement: Judgement;
  readonly captured: Buffer;
  /** The same with the captured machine's name changed to the target's, where it stands as a server. */
  readonly wanted: Buffer;
}

/** Undefined where a document calls something a licence that is none. */
export function knownLicence(
  { file, home }: Licence,
  content: LicencesContent,
  system: System,
  about: RestoreAbout,
): KnownLicence | undefined {
  const captured = contentOf(file);
  const facts = file.link === undefined ? recognise(file.path, captured) : undefined;
  if (!facts) return undefined;
  const judgement = judge(facts, ownerOf(content, about), about.nowMs);
  const path = home === undefined ? file.path : pathInHome(file.path, home, about.owners);
  return { path, facts, judgement, captured, wanted: renamed(facts.format, captured, renamer(content, system, about)) };
}

/** Names are believed where they are those of the machine that the snapshot says it is from. */
export function ownerOf({ hostNames, hostIds }: LicencesContent, { source }: RestoreAbout): LicenceOwner {
  const short = shortOf(source.hostname);
  const names = hostNames
    .map((name) => name.toLowerCase())
    .filter((name) => isHostName(name) && shortOf(name) === short);
  return { names, hostIds: hostIds.map(plainHostId) };
}

/**
 * What a licence server's name becomes: this machine's, where it is the captured machine's and another machine takes over;
 * its domain stays. The same machine gets its name back, and nothing changes.
 */
export function renamer(
  content: LicencesContent,
  system: System,
  about: RestoreAbout,
): (host: string) => string | undefined {
  const { names } = ownerOf(content, about);
  const target = targetName(system);
  if (about.identity === 'same' || target === undefined) return () => undefined;
  return (host) => {
    if (!names.includes(host.toLowerCase())) return undefined;
    const domain = host.slice(shortOf(host).length);
    return domain !== '' && target.includes('.') ? target : `${shortOf(target)}${domain}`;
  };
}

export function targetName(system: System): string | undefined {
  const name = (system.text('/etc/hostname') ?? '').trim();
  return isHostName(name) ? name : undefined;
}

/** Whether the vendor has to issue it anew before it works there. */
export function needsRehost(
  judgement: Judgement,
  content: LicencesContent,
  system: System,
  about: RestoreAbout,
): boolean {
  if (judgement.sort !== 're-host') return false;
  const there = hostIdsOf(system);
  const bound = judgement.boundTo.map(plainHostId);
  if (bound.some((id) => there.includes(id))) return false;
  if (about.identity === 'new') return true;
  const { hostIds } = ownerOf(content, about);
  // The same machine with another adapter: only where the captured one had what it is bound to.
  return there.length > 0 && bound.some((id) => hostIds.includes(id));
}

const shortOf = (name: string): string => name.toLowerCase().split('.')[0] ?? name;
