import { isIP, isIPv4 } from 'node:net';

/** `192.168.1.5/24` taken apart; undefined where it is no address. Without a prefix: the host alone. */
export function addressOf(text: string): { readonly address: string; readonly mask: string } | undefined {
  const [address = '', prefixText] = text.trim().split('/');
  if (!isIP(address)) return undefined;
  const bits = isIPv4(address) ? 32 : 128;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (!/^\d{1,3}$/.test(prefixText ?? '0') || prefix > bits) return undefined;
  return { address, mask: maskOf(isIPv4(address), prefix) };
}

/** The same, where something else than an address is shown as it is. */
export const addressIn = (text: string): { readonly address: string; readonly mask: string } =>
  addressOf(text) ?? { address: text.trim().slice(0, 60), mask: '' };

/** A netmask as people write it: 255.255.255.0, or ffff:ffff:ffff:ffff::. */
export function maskOf(isV4: boolean, prefix: number): string {
  const [width, parts] = isV4 ? [8, 4] : [16, 8];
  const numbers = Array.from({ length: parts }, (_, at) => {
    const ones = Math.min(width, Math.max(0, prefix - at * width));
    return 2 ** width - 2 ** (width - ones);
  });
  if (isV4) return numbers.join('.');
  const text = numbers.map((number) => number.toString(16));
  const used = text.findLastIndex((part) => part !== '0') + 1;
  return used === parts ? text.join(':') : `${text.slice(0, used).join(':')}::`;
}
