import { ResettleError } from '../../../common/errors.ts';

/** Something is not as it was when it was planned: nothing is done to it. */
export class NotAsPlanned extends ResettleError {
  constructor(path: string, cause?: unknown) {
    super('failed', `${path} was changed since the plan was made`, { hint: 'plan again', cause });
  }
}
