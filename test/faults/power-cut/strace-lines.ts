/** Reads what `strace -f -y -xx` writes: every string is hexadecimal, so that nothing in it looks like syntax. */

export interface Call {
  /** Of the thread. */
  readonly thread: number;
  readonly name: string;
  readonly args: readonly string[];
  /** The value that it returned; negative where it failed. */
  readonly result: number;
}

const LINE = /^(?<thread>\d+) +(?<rest>.*)$/s;
const UNFINISHED = ' <unfinished ...>';
const RESUMED = /^<\.\.\. (?<name>\w+) resumed>/;
const CALL = /^(?<name>\w+)\((?<args>.*)\) += (?<result>-?\d+|\?)/s;

/** The calls in the order in which they returned. */
export function* callsIn(lines: Iterable<string>): Generator<Call> {
  const begun = new Map<string, string>();
  for (const line of lines) {
    const { thread, rest } = LINE.exec(line)?.groups ?? {};
    if (thread === undefined || rest === undefined) continue;
    if (rest.endsWith(UNFINISHED)) {
      begun.set(thread, rest.slice(0, -UNFINISHED.length));
      continue;
    }
    const resumed = RESUMED.exec(rest);
    const whole = resumed ? `${begun.get(thread) ?? ''}${rest.slice(resumed[0].length)}` : rest;
    const call = CALL.exec(whole)?.groups;
    if (!call || call.result === '?') continue;
    yield { thread: Number(thread), name: call.name!, args: split(call.args!), result: Number(call.result) };
  }
}

/** Cuts at commas outside brackets. */
function split(text: string): string[] {
  const args: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) {
      at = text.indexOf('"', at + 1);
      if (at < 0) break;
    } else if (char === 0x5b || char === 0x7b || char === 0x3c) depth += 1;
    else if (char === 0x5d || char === 0x7d || char === 0x3e) depth -= 1;
    else if (char === 0x2c && depth === 0) {
      args.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  args.push(text.slice(from).trim());
  return args;
}

/** The bytes of a string argument. Undefined for NULL; throws where strace has cut it. */
export function bytesOf(arg: string | undefined): Buffer | undefined {
  if (arg === undefined || !arg.startsWith('"')) return undefined;
  const end = arg.indexOf('"', 1);
  if (arg.startsWith('...', end + 1)) throw new Error('strace has cut a string: give it a larger -s');
  return Buffer.from(arg.slice(1, end).replaceAll('\\x', ''), 'hex');
}

/** The number of a descriptor argument; undefined for AT_FDCWD. */
export function descriptorOf(arg: string | undefined): number | undefined {
  const number = /^\d+/.exec(arg ?? '')?.[0];
  return number === undefined ? undefined : Number(number);
}

/** The path that strace shows behind a descriptor. */
export function pathBehind(arg: string | undefined): Buffer | undefined {
  const shown = /<((?:\\x[0-9a-f]{2})*)>/.exec(arg ?? '')?.[1];
  return shown === undefined ? undefined : Buffer.from(shown.replaceAll('\\x', ''), 'hex');
}

/** The pieces of an array of iovec, joined. */
export function vectorOf(arg: string): Buffer {
  return Buffer.concat([...arg.matchAll(/iov_base=("[^"]*"(?:\.\.\.)?)/g)].map(([, piece]) => bytesOf(piece)!));
}
