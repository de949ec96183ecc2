import { ResettleError } from '../../common/errors.ts';

/** Says that bytes are not what the format allows, or not what was sealed. */
export function damaged(message: string, cause?: unknown): ResettleError {
  return new ResettleError('damaged', message, {
    hint: 'check the disk or point that holds this state, or restore from another copy',
    cause,
  });
}
