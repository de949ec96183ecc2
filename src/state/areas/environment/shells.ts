export const SHELLS = '/etc/shells';

/** What every machine of its kind has in its file, and what packages add that nobody logs in with. */
const OF_THE_BASE = /^(\/usr)?\/bin\/(sh|bash|rbash|dash|tmux|screen)$/;

export function readShells(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.startsWith('/'));
}

export const ownShells = (text: string): string[] => readShells(text).filter((shell) => !OF_THE_BASE.test(shell));

/** As add-shell does it. */
export function addShell(text: string, shell: string): string {
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${shell}\n`;
}
