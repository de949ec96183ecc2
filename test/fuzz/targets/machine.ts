/** A machine in memory: a small Debian that somebody has set up, of which one file may be another. */
import { posix } from 'node:path';
import type { Facts, System } from '../../../src/state/areas/base/system.ts';

type Content = string | Buffer | { readonly link: string };

/** Folders come of the paths. */
class Node {
  readonly names = new Map<string, Node>();
  content: Content | undefined;
}

const LINKS_MAX = 40;
const PRIVATE = /shadow|sudoers|\.nmconnection$|auth\.conf/;

export class MemoryMachine implements System {
  readonly root = '/';
  readonly isLive = false;
  readonly asRoot = true;
  readonly #top = new Node();

  constructor(files: Readonly<Record<string, Content>>) {
    for (const [path, content] of Object.entries(files)) this.#put(path, content);
  }

  facts(path: string): Facts | undefined {
    const node = this.#find(path, false);
    if (!node) return undefined;
    const { content } = node;
    const kind = content === undefined ? 'folder' : isLink(content) ? 'link' : 'file';
    const home = /^\/home\/(\w+)/.exec(path)?.[1];
    const uid = home === 'ann' ? 1000 : home === 'bob' ? 1001 : 0;
    const mode = kind === 'folder' ? 0o755 : PRIVATE.test(path) ? 0o600 : 0o644;
    const sizeBytes = content === undefined || isLink(content) ? 0 : Buffer.byteLength(content as string | Buffer);
    return { kind, mode, uid, gid: uid, sizeBytes, mtimeNs: 1_760_000_000_000_000_000n };
  }

  read(path: string, maxBytes = 4 * 1024 * 1024): Buffer | undefined {
    const content = this.#find(path, true)?.content;
    if (content === undefined || isLink(content) || (content as string | Buffer).length > maxBytes) return undefined;
    return Buffer.from(content as string);
  }

  text(path: string, maxBytes?: number): string | undefined {
    return this.read(path, maxBytes)?.toString('utf8');
  }

  readLink(path: string): string | undefined {
    const content = this.#find(path, false)?.content;
    return content !== undefined && isLink(content) ? content.link : undefined;
  }

  list(path: string): readonly string[] {
    return [...(this.#find(path, true)?.names.keys() ?? [])].sort();
  }

  isUnreadable(): boolean {
    return false;
  }

  run(): undefined {
    return undefined;
  }

  /** The same machine with another file, what is not on the way to it shared. */
  with(path: string, content: Content): MemoryMachine {
    const other = new MemoryMachine({});
    let [from, to]: [Node | undefined, Node] = [this.#top, other.#top];
    for (const name of path.split('/').filter(Boolean)) {
      for (const [own, node] of from?.names ?? []) to.names.set(own, node);
      from = from?.names.get(name);
      const next = new Node();
      to.names.set(name, next);
      to = next;
    }
    to.content = content;
    return other;
  }

  #put(path: string, content: Content): void {
    let node = this.#top;
    for (const name of path.split('/').filter(Boolean)) {
      const next = node.names.get(name) ?? new Node();
      node.names.set(name, next);
      node = next;
    }
    if (!path.endsWith('/')) node.content = content;
  }

  #find(path: string, followLast: boolean, left = LINKS_MAX): Node | undefined {
    let node: Node | undefined = this.#top;
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    for (const [at, name] of names.entries()) {
      node = node?.names.get(name);
      const { content } = node ?? {};
      if (content === undefined || !isLink(content) || (at === names.length - 1 && !followLast)) continue;
      const here = `/${names.slice(0, at).join('/')}`;
      const to = posix.resolve(here, content.link, ...names.slice(at + 1));
      return left > 0 ? this.#find(to, followLast, left - 1) : undefined;
    }
    return node;
  }
}

const isLink = (content: Content): content is { link: string } =>
  typeof content === 'object' && !Buffer.isBuffer(content);
