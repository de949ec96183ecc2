const EVERYWHERE = [
  'extended attributes, ACLs and inode flags are neither captured nor restored',
  'holes in files are filled with zeros, so that sparse files take their full size',
  'FIFOs and device nodes are not restored',
  'times are set to about a microsecond',
  'files that were just restored may not be on disk yet: a loss of power can cost them',
  'a folder that another program replaces by a link while it is in use may be followed',
];

const WINDOWS = [
  'names that are not text, that hold one of < > : " \\ | ? * or end in a dot or space, and names of devices (such as NUL) are refused',
  'owners and groups are not restored, and of a mode only whether a file may be written to',
  'symbolic links are restored only where Windows lets this user make them (developer mode)',
];

const OTHERS = ['names that are not text (UTF-8) are refused'];

/** What plain Node cannot keep, in sentences for people. */
export function lossesOn(platform: NodeJS.Platform): readonly string[] {
  if (platform === 'linux') return EVERYWHERE;
  const names = 'of names that differ only in case, or in how accents are written, one is restored';
  return [...EVERYWHERE, names, ...(platform === 'win32' ? WINDOWS : OTHERS)];
}
