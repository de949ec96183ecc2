import type { System } from '../base/system.ts';
import { schemeOf } from './device-uri.ts';
import { readPpd } from './ppd.ts';
import type { Printer, Program } from './schema.ts';

/** Where distributions have cupsd's programs. */
const SERVER_FOLDERS = ['/usr/lib/cups', '/usr/libexec/cups', '/usr/lib64/cups'];

/** Backends of CUPS itself; its package copies some of them into their place, so the package database does not know them. */
const OWN_BACKENDS = new Set(['ipp', 'ipps', 'http', 'https', 'socket', 'lpd', 'usb', 'dnssd']);

export const isOfCups = ({ kind, name }: Program): boolean => kind === 'backend' && OWN_BACKENDS.has(name);

/** The path of a filter or backend on a machine; undefined where it is not installed. */
export function placeOf(system: System, { kind, name }: Pick<Program, 'kind' | 'name'>): string | undefined {
  return SERVER_FOLDERS.map((folder) => `${folder}/${kind}/${name}`).find((path) => system.facts(path) !== undefined);
}

/** What a queue needs, by name. */
export function programsOf({ deviceUri, ppd }: Printer): Program[] {
  const filters = ppd ? readPpd(ppd).filters : [];
  const scheme = schemeOf(deviceUri);
  return [
    ...filters.map((name): Program => ({ kind: 'filter', name })),
    ...(/^[\w.+-]+$/.test(scheme) && scheme !== 'file' ? [{ kind: 'backend', name: scheme } as const] : []),
  ];
}

/** Which package brought each of these paths, as far as the machine's own package database says. */
export function packagesOf(system: System, paths: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  if (paths.length === 0) return found;
  const { root } = system;
  const dpkg = system.facts('/var/lib/dpkg/status')
    ? system.run('dpkg-query', [`--admindir=${root === '/' ? '' : root}/var/lib/dpkg`, '-S', ...paths])
    : undefined;
  for (const line of dpkg?.stdout.split('\n') ?? []) {
    const [, name, path] = /^([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?(?:, [^:]+)*: (\/.+)$/.exec(line) ?? [];
    if (name !== undefined && path !== undefined) found.set(path, name);
  }
  if (dpkg || !system.facts('/var/lib/rpm')) return found;
  for (const path of paths) {
    const name = system.run('rpm', ['--root', root, '-qf', '--qf', '%{NAME}', path]);
    if (name?.status === 0 && /^[\w+.-]+$/.test(name.stdout)) found.set(path, name.stdout);
  }
  return found;
}
