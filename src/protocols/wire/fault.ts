import { type ErrorCode, isErrorCode, ResettleError } from '../../common/errors.ts';
import { defineMessage, type MessageOf, textField } from './message.ts';

const TEXT_MAX_BYTES = 2048;
const fields = { code: textField(1, 64), message: textField(2, TEXT_MAX_BYTES), hint: textField(3, TEXT_MAX_BYTES) };

/** Why the other side said no. */
export const Fault = defineMessage(fields);
export type Fault = MessageOf<typeof fields>;

/** Errors whose text is meant for the other side; of everything else it learns only that it failed. */
const TOLD: ReadonlySet<ErrorCode> = new Set([
  'refused',
  'not-a-member',
  'bad-invite',
  'no-point',
  'not-found',
  'damaged',
  'usage',
]);

export function faultOf(error: unknown): Fault {
  // Where its folders lie is nobody else's affair.
  if (error instanceof ResettleError && error.code === 'no-space') {
    return { code: error.code, message: 'there is no space left on its disk', hint: '' };
  }
  if (error instanceof ResettleError && TOLD.has(error.code)) {
    return { code: error.code, message: clip(error.message), hint: clip(error.hint ?? '') };
  }
  return { code: 'failed', message: 'the other machine could not do it; its log says why', hint: '' };
}

/** The error that a peer reported. Its text is hostile until cleaned: no control characters reach a terminal. */
export function errorOfFault(fault: Fault, peer: string): ResettleError {
  const code: ErrorCode = isErrorCode(fault.code) ? fault.code : 'failed';
  const hint = clean(fault.hint);
  return new ResettleError(
    code,
    `${peer}: ${clean(fault.message) || 'refused without a reason'}`,
    hint ? { hint } : {},
  );
}

function clip(text: string): string {
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

function clean(text: string): string {
  return clip(text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ').trim());
}
