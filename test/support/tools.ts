/** Programs of the system that a test judges with. */
import { spawnSync } from 'node:child_process';

/** Why a test that needs these programs is left out, or false. */
export function lacks(...programs: readonly string[]): string | false {
  const missing = programs.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);
  return missing.length > 0 && `not installed: ${missing.join(', ')}`;
}

export const isRoot = process.geteuid?.() === 0;
