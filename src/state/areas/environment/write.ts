import type { Change } from '../base/change.ts';
import type { System } from '../base/system.ts';

/** A line-based file of root's with other text; one that is there keeps owner and mode. */
export function textChange(system: System, path: string, text: string): Change {
  const there = system.facts(path);
  const { mode, uid, gid } = there?.kind === 'file' ? there : { mode: 0o644, uid: 0, gid: 0 };
  return { kind: 'file', path, content: Buffer.from(text), mode, uid, gid };
}
