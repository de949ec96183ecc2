import { isIP } from 'node:net';

/** One line of /etc/hosts, as osquery's `etc_hosts`. */
export interface HostsLine {
  readonly address: string;
  readonly hostnames: readonly string[];
  readonly comment?: string | undefined;
}

interface Piece {
  /** With its line end. */
  readonly raw: string;
  readonly line?: HostsLine;
}

const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?$/;
export const isHostName = (name: string): boolean => NAME.test(name);
/** What the kernel takes as a machine's own name. */
export const isMachineName = (name: string): boolean => isHostName(name) && name.length <= 64;

/** /etc/hosts as lines, so that an edit keeps every other byte. */
export class HostsFile {
  readonly #pieces: readonly Piece[];
  /** Lines that say nothing that the system would take, counted from 1. */
  readonly badLines: readonly number[];

  private constructor(pieces: readonly Piece[], badLines: readonly number[]) {
    this.#pieces = pieces;
    this.badLines = badLines;
  }

  static parse(text: string): HostsFile {
    const badLines: number[] = [];
    const pieces = text.split(/(?<=\n)/).map((raw, at): Piece => {
      const hash = raw.indexOf('#');
      const comment =
        hash === -1
          ? ''
          : raw
              .slice(hash + 1)
              .replaceAll(/\p{Cc}+/gu, ' ')
              .trim();
      const [address = '', ...hostnames] = (hash === -1 ? raw : raw.slice(0, hash)).trim().split(/\s+/);
      if (address === '') return { raw };
      if (isIP(address) === 0 || hostnames.length === 0 || !hostnames.every(isHostName)) {
        badLines.push(at + 1);
        return { raw };
      }
      return { raw, line: { address, hostnames, ...(comment && { comment }) } };
    });
    return new HostsFile(pieces, badLines);
  }

  get lines(): readonly HostsLine[] {
    return this.#pieces.flatMap(({ line }) => (line ? [line] : []));
  }

  addressesByName(): ReadonlyMap<string, ReadonlySet<string>> {
    return addressesByName(this.lines);
  }

  /** The text with further lines at its end. */
  with(lines: readonly HostsLine[]): string {
    const text = this.#pieces.map(({ raw }) => raw).join('');
    const end = text === '' || text.endsWith('\n') ? '' : '\n';
    return text + end + lines.map(textOf).join('');
  }

  /** The text with names of some lines exchanged, blanks and comments as they were. */
  rename(renamed: (name: string, line: HostsLine) => string): string {
    return this.#pieces
      .map(({ raw, line }) => {
        if (!line) return raw;
        const hash = raw.indexOf('#');
        const [before, after] = hash === -1 ? [raw, ''] : [raw.slice(0, hash), raw.slice(hash)];
        let at = 0;
        return before.replaceAll(/\S+/g, (word) => (at++ === 0 ? word : renamed(word, line))) + after;
      })
      .join('');
  }
}

const textOf = ({ address, hostnames, comment }: HostsLine): string =>
  `${address}\t${hostnames.join(' ')}${comment ? ` # ${comment}` : ''}\n`;

/** Every name with its addresses; names without regard to case. */
export function addressesByName(lines: readonly HostsLine[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const { address, hostnames } of lines) {
    for (const name of hostnames) {
      const key = name.toLowerCase();
      const known = found.get(key);
      if (known) known.add(address);
      else found.set(key, new Set([address]));
    }
  }
  return found;
}
