import { isHostName } from './host-ids.ts';

/** A licence server in a setting: `27000@HOST`, `@HOST`; several are set off by colons, semicolons or commas. */
const PORT_AT_HOST = /(^|[\s"'=:;,])(\d{0,5}@)([A-Za-z0-9][A-Za-z0-9.-]*)/gm;
/** Keys whose value is a host alone: SPSS, Sentinel LDK, CodeMeter. */
const HOST_BY_KEY = /^([^\S\n]*(?:DaemonHost|serveraddr|Address)[^\S\n]*=[^\S\n]*"?)([A-Za-z0-9][A-Za-z0-9.-]*)/gim;
const URL = /(https?:\/\/)([A-Za-z0-9][A-Za-z0-9.-]*)(?=:\d+\/fne\/)/g;

/** Hosts that a text names as licence servers, in order. */
export function clientServers(text: string): string[] {
  return [
    ...[...text.matchAll(PORT_AT_HOST)].map((match) => match[3] ?? ''),
    ...[...text.matchAll(HOST_BY_KEY)].map((match) => match[2] ?? ''),
    ...[...text.matchAll(URL)].map((match) => match[2] ?? ''),
  ].filter((host) => isHostName(host));
}

/** Gives them another name where `to` has one; all else stays to the byte. */
export function renameClientServers(text: string, to: (host: string) => string | undefined): string {
  return text
    .replaceAll(PORT_AT_HOST, (_, before: string, port: string, host: string) => `${before}${port}${to(host) ?? host}`)
    .replaceAll(HOST_BY_KEY, (_, before: string, host: string) => `${before}${to(host) ?? host}`)
    .replaceAll(URL, (_, before: string, host: string) => `${before}${to(host) ?? host}`);
}
