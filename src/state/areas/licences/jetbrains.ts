import { z } from 'zod';
import type { LicenceFacts } from './facts.ts';

const licence = z.object({
  products: z
    .array(z.object({ code: z.string().max(40), paidUpTo: z.string().max(20).optional() }))
    .max(200)
    .default([]),
});

/** A key that a JetBrains program keeps, as UTF-16 with a mark of two 0xFF bytes, or as plain text. */
export function jetBrainsFacts(bytes: Uint8Array): LicenceFacts | undefined {
  const isWide = bytes[0] === 0xff && bytes[1] === 0xff;
  const text = isWide ? Buffer.from(bytes.subarray(2)).toString('utf16le') : Buffer.from(bytes).toString('utf8');
  const server = /^\s*(?:<[\w-]+>\s*)?(?:URL:)?https?:\/\/([\w.-]+)(?::\d+)?/i.exec(text)?.[1];
  if (server !== undefined) return factsOf([], server);
  const [, id, body] = /^\s*<certificate-key>\s*([A-Z0-9]{6,20})-([A-Za-z0-9+/=]+)-/.exec(text) ?? [];
  if (id === undefined || body === undefined) return undefined;
  const parsed = licence.safeParse(jsonOf(body));
  return factsOf(parsed.success ? parsed.data.products : []);
}

function factsOf(products: readonly { code: string; paidUpTo?: string | undefined }[], server?: string): LicenceFacts {
  const days = products.map(({ paidUpTo }) => Date.parse(`${paidUpTo}T00:00:00Z`));
  const endsMs = days.length > 0 && days.every((day) => Number.isFinite(day)) ? Math.max(...days) : undefined;
  return {
    format: 'JetBrains',
    vendor: 'JetBrains',
    products: products.map(({ code }) => code),
    servers: server === undefined ? [] : [{ host: server, hostId: 'ANY' }],
    hostIds: [],
    lacksServer: false,
    ...(endsMs !== undefined && { endsMs }),
    ...(server === undefined && {
      fixed: {
        sort: 'portable',
        reason: 'it is issued to a person, not to a machine; sign in again if it asks',
      } as const,
    }),
  };
}

function jsonOf(base64: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}
