import type { Change } from './change.ts';
import type { Facts, System, ToolOptions, ToolResult } from './system.ts';

/** A machine as it will be when the changes planned so far were made. Areas that are planned later see the earlier ones. */
export class PlannedSystem implements System {
  readonly root: string;
  readonly isLive: boolean;
  readonly asRoot: boolean;
  readonly #below: System;
  readonly #planned = new Map<string, Change>();

  constructor(below: System) {
    this.#below = below;
    this.root = below.root;
    this.isLive = below.isLive;
    this.asRoot = below.asRoot;
  }

  plan(change: Change): void {
    this.#planned.set(change.path, change);
  }

  facts(path: string): Facts | undefined {
    const change = this.#planned.get(path);
    const there = this.#below.facts(path);
    switch (change?.kind) {
      case undefined:
        return there;
      case 'remove':
        return undefined;
      case 'file': {
        const { mode, uid, gid, content } = change;
        return { kind: 'file', mode, uid, gid, sizeBytes: content.length, mtimeNs: there?.mtimeNs ?? 0n };
      }
      case 'link':
        return { kind: 'link', mode: 0o777, uid: 0, gid: 0, sizeBytes: change.target.length, mtimeNs: 0n };
      case 'folder': {
        if (there?.kind === 'folder') return there;
        const { mode, uid, gid } = change;
        return { kind: 'folder', mode, uid, gid, sizeBytes: 0, mtimeNs: 0n };
      }
      case 'metadata': {
        const { mode, uid, gid } = change;
        return there && { ...there, mode, uid, gid };
      }
    }
  }

  read(path: string, maxBytes?: number): Buffer | undefined {
    const change = this.#planned.get(path);
    if (change?.kind === 'file') return Buffer.from(change.content);
    if (change?.kind === 'link') {
      const to = change.target.startsWith('/')
        ? change.target
        : `${path.slice(0, path.lastIndexOf('/'))}/${change.target}`;
      return this.#below.read(to, maxBytes);
    }
    return change?.kind === 'remove' ? undefined : this.#below.read(path, maxBytes);
  }

  text(path: string, maxBytes?: number): string | undefined {
    return this.read(path, maxBytes)?.toString('utf8');
  }

  readLink(path: string): string | undefined {
    const change = this.#planned.get(path);
    if (change === undefined || change.kind === 'metadata') return this.#below.readLink(path);
    return change.kind === 'link' ? change.target : undefined;
  }

  list(path: string): readonly string[] {
    const folder = path.endsWith('/') ? path : `${path}/`;
    const names = new Set(this.#below.list(path));
    for (const [planned, { kind }] of this.#planned) {
      if (!planned.startsWith(folder) || planned.indexOf('/', folder.length) !== -1) continue;
      const name = planned.slice(folder.length);
      if (kind === 'remove') names.delete(name);
      else if (kind !== 'metadata') names.add(name);
    }
    return [...names].sort();
  }

  isUnreadable(path: string): boolean {
    return !this.#planned.has(path) && this.#below.isUnreadable(path);
  }

  run(tool: string, args: readonly string[], options?: ToolOptions): ToolResult | undefined {
    return this.#below.run(tool, args, options);
  }
}
