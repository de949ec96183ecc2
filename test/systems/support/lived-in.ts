import { LIVED_IN_KEY, liveIn } from '../lived-in/index.ts';
import { baseOf, copyOf, kept, type Release } from './debian.ts';

/** A system of a release that people have lived in, for reading only. */
export function livedIn(release: Release): string {
  return kept(`${release}-lived-in-${LIVED_IN_KEY}`, (root) => {
    copyOf(baseOf(release), root);
    liveIn(root);
  });
}
