/** An element of a settings file: its text is that between its tags, children left out. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

/** Monitors of somebody's desk, settings of a power manager: some hundreds. */
const ELEMENTS_MAX = 20_000;
const DEPTH_MAX = 32;

interface Open {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: XmlElement[];
  text: string;
}

/**
 * The outermost element of a settings file. No document types and no entities but the five that XML has: files of settings
 * have no others, and a hostile one gets nothing expanded. Undefined where it is not well formed.
 */
export function readXml(whole: string): XmlElement | undefined {
  const text = withoutComments(whole);
  if (text === undefined) return undefined;
  const open: Open[] = [];
  let count = 0;
  let outermost: XmlElement | undefined;
  const close = () => {
    const done = open.pop();
    if (!done) return;
    const above = open.at(-1);
    if (above) above.children.push(done);
    else outermost ??= done;
  };
  const tokens = /<(\/?)([A-Za-z_][\w.-]*)([^<>]*?)(\/?)>|([^<]+)|</g;
  for (const [, slash, name, attributes = '', ends, between] of text.matchAll(tokens)) {
    const top = open.at(-1);
    if (between !== undefined) {
      if (top) top.text += decoded(between).trim();
    } else if (name === undefined) {
      return undefined;
    } else if (slash) {
      if (top?.name !== name) return undefined;
      close();
    } else {
      if (++count > ELEMENTS_MAX || open.length >= DEPTH_MAX) return undefined;
      open.push({ name, attributes: readAttributes(attributes), children: [], text: '' });
      if (ends) close();
    }
  }
  return open.length === 0 ? outermost : undefined;
}

/** Without comments and instructions, in one pass over it. Undefined where one does not end. */
function withoutComments(text: string): string | undefined {
  const kept: string[] = [];
  let at = 0;
  for (;;) {
    const next = /<!--|<\?/g;
    next.lastIndex = at;
    const begin = next.exec(text);
    if (!begin) return kept.join('') + text.slice(at);
    const mark = begin[0] === '<?' ? '?>' : '-->';
    const end = text.indexOf(mark, next.lastIndex);
    if (end < 0) return undefined;
    kept.push(text.slice(at, begin.index));
    at = end + mark.length;
  }
}

function readAttributes(text: string): Record<string, string> {
  const found = text.matchAll(/([A-Za-z_][\w.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/g);
  return Object.fromEntries([...found].map(([, name, double, single]) => [name, decoded(double ?? single ?? '')]));
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decoded(text: string): string {
  return text.replaceAll(/&(lt|gt|amp|quot|apos);/g, (_, name: string) => ENTITIES[name] ?? '');
}

export const childrenOf = (element: XmlElement, name: string): XmlElement[] =>
  element.children.filter((child) => child.name === name);

/** The text of the first child of that name; empty where there is none. */
export const textAt = (element: XmlElement | undefined, name: string): string =>
  element?.children.find((child) => child.name === name)?.text ?? '';
