const UNITS = '/etc/systemd/system';
export const WANTS = `${UNITS}/getty.target.wants`;
/** A getty of a terminal's own, of the template that the distribution brings. */
const INSTANCE = /^(getty|serial-getty)@([A-Za-z0-9_]{1,30})\.service$/;
const GETTY = /^((getty|serial-getty|autovt)@[A-Za-z0-9_]{0,30}|console-getty)\.service$/;

/** Where links of gettys are. */
export const LINK_FOLDERS = [WANTS, UNITS];

/** Whether a link starts a getty of the distribution's, or hides one: nothing else is done by it. */
export function isUnitLink({ path, target }: { path: string; target: string }): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (path === `${UNITS}/${name}`) return GETTY.test(name) && target === '/dev/null';
  const kind = INSTANCE.exec(name)?.[1];
  if (path !== `${WANTS}/${name}` || kind === undefined) return false;
  return target === `/lib/systemd/system/${kind}@.service` || target === `/usr/lib/systemd/system/${kind}@.service`;
}

/** The unit file that a link leads to; none for one that hides a getty. */
export const unitOf = (target: string): string | undefined => (target === '/dev/null' ? undefined : target);
