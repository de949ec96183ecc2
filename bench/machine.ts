import { cpus, release, totalmem } from 'node:os';

/** What the figures were measured on. */
export function describeMachine(): Record<string, string | number> {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    'memory GiB': Math.round(totalmem() / 1024 ** 3),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
  };
}
