/** Backends that send to a printer and nothing else. Others run as root with a path of the document's choice, or are unknown. */
const ORDINARY = new Set([
  ...['ipp', 'ipps', 'http', 'https', 'socket', 'lpd', 'smb', 'dnssd'],
  ...['usb', 'hp', 'hpfax', 'cups-pdf'],
]);
const REMOTE = new Set(['ipp', 'ipps', 'http', 'https', 'socket', 'lpd', 'smb', 'dnssd']);
/** What in a query is a name of the device, not a secret. */
const SHOWN_IN_QUERY = new Set([
  'serial',
  'uuid',
  'interface',
  'zc',
  'ip',
  'hostname',
  'waiteof',
  'contimeout',
  'reserve',
]);

export function schemeOf(uri: string): string {
  return /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase() ?? '';
}

export const isOrdinary = (uri: string): boolean => ORDINARY.has(schemeOf(uri));

/** Whether it lies across a network, as far as the address tells. */
export const isRemote = (uri: string): boolean => REMOTE.has(schemeOf(uri)) || /^hp(fax)?:\/net\//i.test(uri);

/** Whether it means one device at one machine's cable. */
export const isPluggedIn = (uri: string): boolean => schemeOf(uri) === 'usb' || /^hp(fax)?:\/usb\//i.test(uri);

/** Queues that cups-browsed makes and removes by itself. */
export const isFoundByItself = (uri: string): boolean => schemeOf(uri) === 'implicitclass';

/** The serial number that it names, if it does. */
export function serialOf(uri: string): string | undefined {
  const value = /[?&]serial=([^&]*)/i.exec(uri)?.[1];
  if (!value) return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** For people: without user and password, whatever their letters, and without what a query may hide. */
export function redactUri(uri: string): string {
  const [, start = '', rest = ''] = /^([a-z][a-z0-9+.-]*:(?:\/\/)?)?(.*)$/is.exec(uri) ?? [];
  // A password may hold any of / ? and @ where somebody wrote it by hand: all up to the last @ goes.
  const address = rest.slice(rest.lastIndexOf('@') + 1);
  const [path = '', ...query] = address.split('?');
  const shown = query
    .join('?')
    .split('&')
    .filter((pair) => SHOWN_IN_QUERY.has(pair.split('=')[0]?.toLowerCase() ?? ''));
  return `${start}${path}${shown.length > 0 ? `?${shown.join('&')}` : ''}`;
}
