import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { checklistDocument, machineDocument } from '../../../src/state/areas/base/documents.ts';
import { AREAS } from '../../../src/state/areas/registry.ts';

export const SCHEMAS_FOLDER = fileURLToPath(new URL('../../../docs/schemas', import.meta.url));

/** As long as a line of the documents. */
const LINE_CHARS = 120;

/** The JSON schemas of a snapshot's documents: name of the file in docs/schemas, and its text. */
export function schemaFiles(): ReadonlyMap<string, string> {
  const documents = [
    ['machine', machineDocument],
    ['checklist', checklistDocument],
    ...AREAS.map(({ name, version, schema }) => [name, documentOf(name, version, schema)] as const),
  ] as const;
  return new Map(documents.map(([name, schema]) => [`${name}.json`, `${written(schemaOf(name, schema))}\n`]));
}

/** As `writeAreaDocument` wraps it. */
function documentOf(name: string, version: number, content: z.ZodType): z.ZodType {
  return z.strictObject({ area: z.literal(name), version: z.literal(version), content });
}

function schemaOf(name: string, schema: z.ZodType): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return { $schema, title: `.resettle-areas/${name}.json`, ...rest };
}

/** JSON with each value on one line that fits there. */
function written(value: unknown, indent = ''): string {
  const line = oneLine(value);
  if (indent.length + line.length <= LINE_CHARS || typeof value !== 'object' || value === null) return line;
  const inner = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((one) => written(one, inner))
    : Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${written(one, inner)}`);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  return `${open}\n${parts.map((part) => `${inner}${part}`).join(',\n')}\n${indent}${close}`;
}

function oneLine(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  const parts = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${oneLine(one)}`);
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}
