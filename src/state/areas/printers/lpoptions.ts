import type { DestinationOptions } from './schema.ts';

/** What a line of lpoptions says; undefined for one that says nothing. Unchecked: the schema judges it. */
export function readOptionsLine(line: string): DestinationOptions | undefined {
  const [, keyword = '', destination = '', options = ''] = /^\s*(dest|default)\s+(\S+)\s*(.*)$/i.exec(line) ?? [];
  if (destination === '' || destination.startsWith('#')) return undefined;
  return { destination, isDefault: keyword.toLowerCase() === 'default', options: options.trim() };
}

export function readOptions(text: string): DestinationOptions[] {
  return text.split(/\r?\n/).flatMap((line) => readOptionsLine(line) ?? []);
}

export function writeOptionsLine({ destination, isDefault, options }: DestinationOptions): string {
  return [isDefault ? 'Default' : 'Dest', destination, ...(options === '' ? [] : [options])].join(' ');
}
