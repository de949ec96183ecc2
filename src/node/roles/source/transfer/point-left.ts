import { messageOf, ResettleError } from '../../../../common/errors.ts';
import type { PeerIdText } from '../../../../common/ids.ts';

/** One point is of no more use to this capture: another one may be. */
export class PointLeft extends ResettleError {
  readonly peerId: PeerIdText;
  readonly pointName: string;
  /** What is said of it, such as `is full`. */
  readonly lack: string;

  constructor(peerId: PeerIdText, name: string, cause: unknown) {
    const reason = messageOf(cause);
    super(
      cause instanceof ResettleError ? cause.code : 'failed',
      reason.includes(name) ? reason : `${name}: ${reason}`,
      {
        cause,
      },
    );
    this.peerId = peerId;
    this.pointName = name;
    this.lack = reason;
  }
}
