/** A value in a file of `[sections]` with `key=value` lines. */
export interface KeyValue {
  /** Without the outer brackets: `User`, `AC][Display`. */
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

export function readKeyFile(text: string): KeyValue[] {
  let section = '';
  return text.split(/\r?\n/).flatMap((line): KeyValue[] => {
    const text = line.trim();
    if (text.startsWith('[') && text.endsWith(']')) section = text.slice(1, -1);
    const at = text.indexOf('=');
    if (at < 1 || /^[#;[]/.test(text)) return [];
    return [{ section, key: text.slice(0, at).trim(), value: text.slice(at + 1).trim() }];
  });
}

export function valueIn(values: readonly KeyValue[], section: string, key: string): string | undefined {
  return values.findLast((one) => one.section === section && one.key === key)?.value;
}

/** The text with one more value: at the end of its section, or with a section of its own. Other lines stay. */
export function addToKeyFile(text: string, { section, key, value }: KeyValue): string {
  const lines = text.split('\n');
  const begin = lines.findIndex((line) => line.trim() === `[${section}]`);
  if (begin < 0) return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}[${section}]\n${key}=${value}\n`;
  const next = lines.findIndex((line, at) => at > begin && line.trimStart().startsWith('['));
  let end = next < 0 ? lines.length : next;
  while (end > begin + 1 && lines[end - 1]?.trim() === '') end--;
  const rest = lines.slice(end);
  return [...lines.slice(0, end), `${key}=${value}`, ...(rest.length > 0 ? rest : [''])].join('\n');
}
