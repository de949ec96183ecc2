import { hkdfSync } from 'node:crypto';
import { ResettleError } from '../../common/errors.ts';
import type { StateId } from '../../common/ids.ts';

export const STATE_KEY_BYTES = 32;
export const SALT_BYTES = 32;
export const KEY_CHECK_BYTES = 16;

function derive(stateKey: Uint8Array, salt: Uint8Array, label: string, state: StateId): Buffer {
  if (stateKey.length !== STATE_KEY_BYTES) {
    throw new ResettleError('refused', `a state key has ${STATE_KEY_BYTES} bytes, this one has ${stateKey.length}`, {
      hint: 'use the key file that belongs to this state',
    });
  }
  const info = Buffer.concat([Buffer.from(label, 'ascii'), Buffer.from(state, 'hex')]);
  return Buffer.from(hkdfSync('sha256', stateKey, salt, info, 32));
}

/** The key of one pack, by its salt. */
export function packKey(stateKey: Uint8Array, salt: Uint8Array, state: StateId): Buffer {
  return derive(stateKey, salt, 'resettle/1 pack', state);
}

/** The key of a descriptor's sealed part, by its salt. */
export function descriptorKey(stateKey: Uint8Array, salt: Uint8Array, state: StateId): Buffer {
  return derive(stateKey, salt, 'resettle/1 descriptor', state);
}

/** 16 bytes by which a key is known to belong to a state, without opening anything with it. */
export function keyCheckValue(stateKey: Uint8Array, state: StateId): Buffer {
  return derive(stateKey, new Uint8Array(0), 'resettle/1 key check', state).subarray(0, KEY_CHECK_BYTES);
}
