import type { System } from '../base/system.ts';

const BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

/** Whether a certificate is in the bundle that the machine's programs trust; known of PEM alone. */
export function isTrusted(system: System, certificate: string): boolean {
  const bundle = bare(system.text(BUNDLE) ?? '');
  const blocks = [...certificate.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END/g)].map((match) =>
    bare(match[1] ?? ''),
  );
  return blocks.length > 0 && blocks.every((block) => block !== '' && bundle.includes(block));
}

const bare = (text: string): string => text.replaceAll(/\s+/g, '');
