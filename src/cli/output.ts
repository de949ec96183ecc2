import type { ApiEvent } from '../api/contract.ts';
import { printable } from '../common/printable.ts';
import { formatBytes, formatDuration } from '../common/sizes.ts';
import { areaLines } from './area-lines.ts';
import { checkLines } from './check-lines.ts';

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** What JSON leaves as it is and a terminal obeys. */
const OBEYED = /[\u007f-\u009f]/g;
const escaped = (character: string): string => `\\u00${character.charCodeAt(0).toString(16)}`;

/** Seconds between progress lines where there is no terminal. */
const PLAIN_EVERY_MS = 2_000;
const BAR_WIDTH = 24;

interface ProgressEvent extends ApiEvent {
  readonly phase: string;
  readonly bytes: number;
  readonly totalBytes: number;
  readonly files: number;
  readonly totalFiles: number;
  readonly bytesPerSecond: number;
  readonly secondsLeft: number | null;
}

/** Results on standard output, everything else on standard error; with --json one event a line on standard output. */
export class Output {
  readonly json: boolean;
  /** `plan`: every item of a plan, as the result. `areas`: those of areas, for a question. */
  shows: 'progress' | 'plan' | 'areas' = 'progress';
  readonly #quiet: boolean;
  readonly #terminal: boolean;
  readonly #colour: boolean;
  #barShown = false;
  #lastPhase = '';
  #lastPlainMs = 0;

  constructor(options: OutputOptions) {
    this.json = options.json;
    this.#quiet = options.quiet;
    this.#terminal = process.stderr.isTTY === true && !options.json;
    this.#colour = this.#terminal && !process.env.NO_COLOR;
  }

  /** How results are laid out where somebody reads them on a terminal. */
  get page(): { readonly colour: boolean; readonly widthChars: number | undefined } {
    const { isTTY, columns } = process.stdout;
    return { colour: isTTY === true && !process.env.NO_COLOR, widthChars: isTTY ? columns : undefined };
  }

  /** An event of a request that is under way. */
  readonly event = (event: ApiEvent): void => {
    if (this.json) {
      this.#line(event);
    } else if (event.event === 'progress') {
      this.#progress(event as ProgressEvent);
    } else if (event.event === 'skipped') {
      this.message(`skipped ${String(event.path)}: ${String(event.reason)}`);
    } else if (event.event === 'replaced') {
      this.message(`replaced ${String(event.path)}`);
    } else if (event.event === 'note') {
      this.message(String(event.message));
    } else if (event.event === 'area-item') {
      for (const line of areaLines(event, this.shows !== 'progress')) this.#plan(line);
    } else if (event.event === 'check') {
      for (const line of checkLines(event)) process.stdout.write(`${printable(line)}\n`);
    } else if (event.event === 'item' && this.shows === 'areas') {
      // Too many to read before an answer.
    } else if (event.event === 'item') {
      this.#clearBar();
      process.stdout.write(`${printable(`${String(event.action)} ${String(event.path)}`)}\n`);
    }
  };

  /** A dry run's plan is its result. */
  #plan(line: string): void {
    if (this.shows !== 'plan') {
      this.message(line);
      return;
    }
    this.#clearBar();
    process.stdout.write(`${printable(line)}\n`);
  }

  /** Words for people, of one line: names in it may be a stranger's. */
  message(text: string): void {
    if (this.json || this.#quiet) return;
    this.#clearBar();
    process.stderr.write(`${printable(text)}\n`);
  }

  /** A pairing code: the one thing that is said although nobody wants words. */
  code(text: string): void {
    this.#clearBar();
    process.stderr.write(this.#colour ? `\n    \u001b[1m${text}\u001b[0m\n\n` : `\n    ${text}\n\n`);
  }

  /** The end of a command: one event, or lines that are the result and nothing else. */
  done(result: Record<string, unknown>, lines: readonly string[]): void {
    this.#clearBar();
    if (this.json) this.#line({ event: 'done', ...result });
    else for (const line of lines) process.stdout.write(`${line}\n`);
  }

  error(event: ApiEvent, verbose: boolean): void {
    this.#clearBar();
    const { stack, ...told } = event;
    if (this.json) {
      this.#line(verbose ? event : told);
      return;
    }
    const red = this.#colour ? '\u001b[31m' : '';
    const plain = this.#colour ? '\u001b[0m' : '';
    process.stderr.write(`${red}resettle: ${printable(String(event.message))}${plain}\n`);
    if (event.hint) process.stderr.write(`  ${printable(String(event.hint))}\n`);
    if (verbose && stack) process.stderr.write(`${String(stack)}\n`);
  }

  #line(event: ApiEvent): void {
    process.stdout.write(`${JSON.stringify(event).replaceAll(OBEYED, escaped)}\n`);
  }

  #progress(event: ProgressEvent): void {
    if (this.#quiet) return;
    if (this.#terminal) {
      process.stderr.write(`\r\u001b[2K${bar(event)}`);
      this.#barShown = true;
      return;
    }
    const now = performance.now();
    const ended = event.totalBytes > 0 && event.bytes >= event.totalBytes;
    if (event.phase === this.#lastPhase && now - this.#lastPlainMs < PLAIN_EVERY_MS && !ended) return;
    this.#lastPhase = event.phase;
    this.#lastPlainMs = now;
    process.stderr.write(`${describe(event)}\n`);
  }

  #clearBar(): void {
    if (this.#barShown) process.stderr.write('\r\u001b[2K');
    this.#barShown = false;
  }
}

function describe(event: ProgressEvent): string {
  const parts = [event.phase];
  if (event.totalBytes > 0) parts.push(`${formatBytes(event.bytes)} of ${formatBytes(event.totalBytes)}`);
  else if (event.bytes > 0) parts.push(formatBytes(event.bytes));
  if (event.totalFiles > 0) parts.push(`${event.files} of ${event.totalFiles} files`);
  else if (event.files > 0) parts.push(`${event.files} files`);
  if (event.bytesPerSecond > 0) parts.push(`${formatBytes(event.bytesPerSecond)}/s`);
  if (event.secondsLeft !== null && event.bytes < event.totalBytes) {
    parts.push(`${formatDuration(event.secondsLeft * 1000)} left`);
  }
  return parts.join('  ');
}

function bar(event: ProgressEvent): string {
  if (event.totalBytes === 0) return describe(event);
  const share = Math.min(1, event.bytes / event.totalBytes);
  const full = Math.round(share * BAR_WIDTH);
  const shown = `[${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}] ${String(Math.floor(share * 100)).padStart(3)} %`;
  return `${shown}  ${describe(event)}`.slice(0, (process.stderr.columns ?? 120) - 1);
}
