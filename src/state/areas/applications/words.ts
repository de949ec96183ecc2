import { formatBytes } from '../../../common/sizes.ts';
import type { Package, Size, Volume } from './schema.ts';

export function sizeInWords({ bytes, files, at_least }: Size): string {
  const more = at_least ? 'at least ' : '';
  return `${more}${formatBytes(bytes)} in ${files} ${files === 1 ? 'file' : 'files'}`;
}

export function sum(sizes: readonly Size[]): Size {
  return {
    bytes: sizes.reduce((total, { bytes }) => total + bytes, 0),
    files: sizes.reduce((total, { files }) => total + files, 0),
    at_least: sizes.some(({ at_least }) => at_least),
  };
}

export function placesInWords(sizes: readonly Size[]): string {
  const count = sizes.length === 1 ? '1 place' : `${sizes.length} places`;
  return `${count}, ${sizeInWords(sum(sizes))}`;
}

/** "/home (ext4 on /dev/mapper/vg-home, 50.0 GiB)". */
export function volumeInWords({ path, type, device, size_bytes }: Volume): string {
  const size = size_bytes === undefined ? '' : `, ${formatBytes(size_bytes)}`;
  return `${path} (${type} on ${device}${size})`;
}

/** What a person types to install a package. */
export function installCommand({ name, source }: Package): string {
  if (source === 'deb') return `apt install ${name}`;
  return source === 'flatpak' ? `flatpak install ${name}` : `snap install ${name}`;
}
