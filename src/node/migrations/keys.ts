import { closeSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RandomBytes } from '../../common/clock.ts';
import { syncFolder } from '../../common/durable-folders.ts';
import { messageOf, ResettleError } from '../../common/errors.ts';
import { writeAll } from '../../state/fs/write-all.ts';
import { makeTicketKey, newRecoveryCode, recipientOfRecoveryCode } from '../../state/keys/index.ts';
import { sealTerms } from '../../state/records/index.ts';
import type { AssociationKeys } from './associate.ts';

/** The keys of associations, made with this randomness; recovery codes go to files of this machine. */
export function associationKeys(random: RandomBytes): AssociationKeys {
  return {
    newTicket: makeTicketKey,
    sealTerms: ({ users, areas, paths, mapUsers }, recipients) =>
      sealTerms({ users, areas, paths, mapUsers }, recipients),
    writeRecoveryCode: async (path) => {
      const code = newRecoveryCode(random);
      writeNewSecret(path, `${code}\n`);
      return recipientOfRecoveryCode(code);
    },
  };
}

/** For its owner only, durably, and never over another file. */
function writeNewSecret(path: string, text: string): void {
  try {
    const fd = openSync(path, 'wx', 0o600);
    try {
      writeAll(fd, Buffer.from(text));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    syncFolder(dirname(path));
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    throw new ResettleError(
      isThere ? 'usage' : 'failed',
      isThere ? `${path} is there already` : `${path} cannot be written: ${messageOf(cause)}`,
      { hint: 'give another file with --recovery-code-out', cause },
    );
  }
}
