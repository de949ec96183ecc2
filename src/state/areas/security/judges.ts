import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import type { System } from '../base/system.ts';

/** Why a file must not be put in place; undefined where its own program takes it. */
export type Judge = (content: Buffer, system: System) => string | undefined;

/** sudo's own check, of the text alone: files that it includes are judged for themselves. */
export const judgeSudoers: Judge = (content, system) => {
  const text = content.toString('utf8').replaceAll(/^[^\S\n]*[@#]include(dir)?\s.*$/gm, '#');
  if (text.includes('\0')) return 'it holds a NUL byte';
  const foreign = /^[^\S\n]*[@#]include(?:dir)?\s+(?!"?(?:\/etc\/sudoers\.d(?:\/[\w-]*)?|[\w-]+)"?[^\S\n]*$)/m.exec(
    content.toString('utf8'),
  );
  if (foreign) return 'it includes a file from elsewhere than /etc/sudoers.d';
  const result = system.run('visudo', ['-c', '-f', '-'], { input: text });
  if (!result) return 'visudo is not installed here, so nobody can say whether sudo would take it';
  if (result.status === 0) return undefined;
  const line = /stdin:(\d+)/.exec(`${result.stdout}${result.stderr}`)?.[1];
  return `sudo would not take it${line === undefined ? '' : `: line ${line}`}`;
};

/**
 * sshd's own check, without files that it includes; that this machine has no host keys or no /run/sshd is no fault of it. It
 * reads a path alone, so the text lies in a scratch folder of this machine for as long as that takes.
 */
export const judgeSshd: Judge = (content, system) => {
  const folder = mkdtempSync(join(tmpdir(), 'resettle-sshd-'));
  try {
    const path = join(folder, 'sshd_config');
    writeFileSync(path, content.toString('utf8').replaceAll(/^[^\S\n]*Include\s.*$/gim, '#'), { mode: 0o600 });
    const result = system.run('sshd', ['-t', '-f', path]);
    if (!result) return 'sshd is not installed here, so nobody can say whether it would take it';
    const wrong = result.stderr
      .split('\n')
      .find((line) => line.startsWith(path) && !/Deprecated option|Unsupported option/.test(line));
    if (wrong === undefined || result.status === 0) return undefined;
    return `sshd would not take it: ${wrong.slice(path.length + 1, 200).trim()}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Compiled, never run. */
export const judgeScript: Judge = (content) => {
  try {
    new Script(content.toString('utf8'));
    return undefined;
  } catch {
    return 'it is no script that polkit could read';
  }
};

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

export const judgeCertificate: Judge = (content) => {
  const blocks = content.toString('latin1').match(BLOCK) ?? [content];
  try {
    for (const block of blocks) new X509Certificate(block);
    return undefined;
  } catch {
    return 'it is no certificate';
  }
};

/** Tables as iptables-restore reads them: each begins with `*` and ends with COMMIT. */
export const judgeTables: Judge = (content) => {
  let table = '';
  for (const [index, line] of content.toString('utf8').split('\n').entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const begins = /^\*[a-z]+$/.test(text);
    const isWrong = table === '' ? !begins : begins || !/^(:|-|\[|COMMIT$)/.test(text);
    if (isWrong) return `it is no table of a firewall: line ${index + 1}`;
    if (begins) table = text;
    if (text === 'COMMIT') table = '';
  }
  return table === '' ? undefined : `its table ${table} does not end`;
};

export const judgeNothing: Judge = () => undefined;
