import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ResettleError } from '../../common/errors.ts';
import { type Hardware, type HardwareFacts, NO_FACTS } from './facts.ts';
import { readLinuxFacts } from './linux.ts';
import { SystemFiles } from './system-files.ts';

/** Names a JSON file that stands for the hardware: for containers, and for tests with many machines on one. */
const FILE_VARIABLE = 'RESETTLE_HARDWARE_FILE';

const value = z.string().max(128).nullable().default(null);
const FactsSchema = z.strictObject({
  productUuid: value,
  productSerial: value,
  boardSerial: value,
  chassisSerial: value,
  macs: z.array(z.string().max(64)).max(64).default([]),
  virtual: value,
});

/** This machine's hardware, or the file that stands for it. On systems other than Linux nothing is known yet. */
export function openHardware(env: NodeJS.ProcessEnv = process.env, files = new SystemFiles()): Hardware {
  const file = env[FILE_VARIABLE];
  if (file) return { read: () => readFactsFile(file) };
  return { read: () => (process.platform === 'linux' ? readLinuxFacts(files) : NO_FACTS) };
}

function readFactsFile(path: string): HardwareFacts {
  try {
    return FactsSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new ResettleError('failed', `${path}, which ${FILE_VARIABLE} names, does not describe hardware`, {
      hint: 'docs/OPERATIONS.md has what stands in it; unset the variable to use the real hardware',
      cause,
    });
  }
}
