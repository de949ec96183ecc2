import { createHash } from 'node:crypto';
import { PACKAGE_STATUS_MAX_BYTES } from '../../../common/limits.ts';
import type { System } from '../base/system.ts';

const STATUS = '/var/lib/dpkg/status';

/** What packages brought to a machine: its own files among them are those that somebody made. */
export class PackageFiles {
  readonly #system: System;
  readonly #digests: ReadonlyMap<string, string>;
  readonly #asked = new Map<string, boolean>();

  constructor(system: System) {
    this.#system = system;
    const status = system.text(STATUS, PACKAGE_STATUS_MAX_BYTES) ?? '';
    this.#digests = new Map(
      Array.from(status.matchAll(/^ (\/etc\/\S+) ([0-9a-f]{32})$/gm), ([, path, md5]) => [path ?? '', md5 ?? '']),
    );
  }

  /** Whether a configuration file is as its package brought it. */
  isUntouched(path: string): boolean {
    const digest = this.#digests.get(path);
    const content = digest && this.#system.read(path);
    return !!content && createHash('md5').update(content).digest('hex') === digest;
  }

  /** Whether a package brought it, changed since or not. */
  isOwned(path: string): boolean {
    const known = this.#asked.get(path);
    if (known !== undefined) return known;
    const owned = this.#digests.has(path) || this.#isListed(path);
    this.#asked.set(path, owned);
    return owned;
  }

  #isListed(path: string): boolean {
    const { root } = this.#system;
    const dpkg =
      this.#system.facts(STATUS) && this.#system.run('dpkg-query', [`--admindir=${root}/var/lib/dpkg`, '-S', path]);
    if (dpkg) return dpkg.status === 0;
    const rpm = this.#system.facts('/usr/lib/sysimage/rpm') ?? this.#system.facts('/var/lib/rpm');
    return rpm !== undefined && this.#system.run('rpm', ['--root', root, '-qf', path])?.status === 0;
  }
}
