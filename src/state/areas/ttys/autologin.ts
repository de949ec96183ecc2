import type { ConfigFile } from '../base/config-file.ts';
import type { Owners } from '../base/types.ts';

const AUTOLOGIN = /(--autologin(?:=|\s+)|\s-a\s+)([a-z_][a-z0-9_-]*\$?)/g;

/** A getty's drop-in with the names that its users have on the target: who is logged in by itself. */
export function mapAutologin(file: ConfigFile, owners: Owners): ConfigFile {
  if (file.text === undefined || !file.path.includes('getty')) return file;
  const text = file.text.replaceAll(AUTOLOGIN, (_, option: string, user: string) => `${option}${owners.user(user)}`);
  return { ...file, text };
}
