import { clientServers } from './client-settings.ts';
import type { LicenceFacts, LicenceSort } from './facts.ts';

/** A format of one vendor, known by what its files hold. */
type Recogniser = (text: string, path: string) => LicenceFacts | undefined;

const RECOGNISERS: readonly Recogniser[] = [mathpass, sasSetInit, stata, sentinelRms, dassaultServers, clientSettings];

/** What a file of a format of its own is bound to; undefined where it is none of those that are known. */
export function vendorFacts(text: string, path: string): LicenceFacts | undefined {
  for (const recognise of RECOGNISERS) {
    const facts = recognise(text, path);
    if (facts) return facts;
  }
  return undefined;
}

function facts(
  format: LicenceFacts['format'],
  vendor: string,
  more: Partial<LicenceFacts> & { readonly sort?: LicenceSort; readonly reason?: string } = {},
): LicenceFacts {
  const { sort, reason = '', ...rest } = more;
  const fixed = sort && { fixed: { sort, reason } };
  return { format, vendor, products: [], servers: [], hostIds: [], lacksServer: false, ...rest, ...fixed };
}

/** Mathematica and Wolfram Engine: `!SERVER`, or machine name, MathID, key and password in columns. */
function mathpass(text: string, path: string): LicenceFacts | undefined {
  if (!path.endsWith('/mathpass')) return undefined;
  const lines = linesOf(text);
  const servers = lines.filter((line) => /^![\w.-]+/.test(line)).map((line) => line.slice(1).split(/[\s:]/)[0] ?? '');
  const ids = lines.flatMap((line) => /^\S+\s+(\d{4}-\d{5}-\d{5})\s/.exec(line)?.[1] ?? []);
  if (servers.length === 0 && ids.length === 0) return undefined;
  return facts('Mathematica', 'Wolfram', {
    servers: servers.map((host) => ({ host, hostId: 'ANY' })),
    hostIds: ids.map((id) => `MathID=${id}`),
  });
}

/** SAS: `PROC SETINIT` with the site, and the day on which it ends. */
function sasSetInit(text: string): LicenceFacts | undefined {
  if (!/^[^\S\n]*PROC\s+SETINIT\b/im.test(text) || !/^[^\S\n]*SITEINFO\b/im.test(text)) return undefined;
  const [, day, month, year] = /\bEXPIRE='(\d{2})([A-Z]{3})(\d{4})'D/i.exec(text) ?? [];
  const endsMs = Date.parse(`${day} ${month} ${year} 00:00:00 UTC`);
  return facts('SAS', 'SAS', {
    sort: 'portable',
    reason: 'it is issued to a site, not to a machine',
    ...(Number.isFinite(endsMs) && { endsMs }),
  });
}

/** Stata: one line, its fields set off by exclamation marks. */
function stata(text: string, path: string): LicenceFacts | undefined {
  if (!/stata\.lic$/i.test(path) || !/^[^!\n]+(![^!\n]*){5,}!?\s*$/.test(text.trim())) return undefined;
  return facts('Stata', 'StataCorp', {
    sort: 'portable',
    reason: 'it is issued to a person or a site, not to a machine',
  });
}

/** Sentinel RMS (SPSS and others): long codes in a file `lservrc`, each bound to a lock code of the machine. */
function sentinelRms(text: string, path: string): LicenceFacts | undefined {
  if (!/\/lservrc[\w.-]*$/i.test(path)) return undefined;
  const codes = linesOf(text).filter((line) => /^[\dA-Za-z*+/=]{20,}/.test(line));
  if (codes.length === 0) return undefined;
  return facts('Sentinel RMS', /spss/i.test(path) ? 'IBM SPSS' : 'Sentinel RMS', {
    sort: 're-host',
    reason: 'its codes are bound to the lock code of the machine',
  });
}

/** Dassault's licence servers: `HOST:PORT`, one a line. */
function dassaultServers(text: string, path: string): LicenceFacts | undefined {
  if (!path.endsWith('/DSLicSrv.txt')) return undefined;
  const hosts = linesOf(text).flatMap((line) => /^([\w.-]+):\d{2,5}$/.exec(line)?.[1] ?? []);
  if (hosts.length === 0) return undefined;
  return facts('client settings', 'Dassault Systèmes', { servers: hosts.map((host) => ({ host, hostId: 'ANY' })) });
}

/** Settings of programs that name licence servers as `PORT@HOST`, or by a key of their own. */
function clientSettings(text: string, path: string): LicenceFacts | undefined {
  const hosts = clientServers(text);
  if (hosts.length === 0) return undefined;
  const vendor = VENDOR_OF_FILE.find(([name]) => name.test(path))?.[1] ?? '';
  return facts('client settings', vendor, { servers: hosts.map((host) => ({ host, hostId: 'ANY' })) });
}

const VENDOR_OF_FILE: readonly (readonly [RegExp, string])[] = [
  [/\/ansyslmd\.ini$/, 'ANSYS'],
  [/\/abaqus_v6\.env$|\/custom_v6\.env$/, 'Abaqus'],
  [/\/spssprod\.inf$/, 'IBM SPSS'],
  [/\/hasplm\.ini$|\/hasp_\d+\.ini$/, 'Sentinel LDK'],
  [/\/(Client|Server|CodeMeter)\.ini$/, 'CodeMeter'],
  [/\/lic_server\.dat$/, 'IDL'],
];

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('%'));
