/**
 * The services that pairing machines announce. One for each number, so that a code's machine is found and no other is
 * spoken to; one for those that know each other's peer id. Both are far below the 63 bytes of a label.
 */
export const KNOWN_PEER_TAG = '_resettle-pair._udp.local';

/** @param number the three public digits of a code */
export function numberTag(number: string): string {
  return `_resettle-${number}._udp.local`;
}
