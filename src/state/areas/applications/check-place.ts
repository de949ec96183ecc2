import type { CheckItem } from '../base/check-item.ts';
import type { System } from '../base/system.ts';
import type { Owners } from '../base/types.ts';
import { targetPath } from './blocked.ts';
import type { Application, Place, Size } from './schema.ts';
import { sizeInWords } from './words.ts';

/** Less is not worth a verdict: what programs write of themselves at their start. */
const SMALL_BYTES = 64 * 1024;

/** Whether a place has what was captured of it: there, and not much less of it than there was. */
export function checkPlace(
  application: Application,
  place: Place,
  size: Size,
  { system, owners }: { readonly system: System; readonly owners: Owners },
): CheckItem {
  const path = targetPath(place, owners);
  const item = {
    id: `data:${application.id}:${place.path}`,
    group: `application ${application.name}`,
    title: `data in ${path}`,
    expected: sizeInWords(place.size),
    evidence: `files in ${path} that the catalogue takes`,
  };
  const { left_out } = application;
  if (left_out !== undefined) {
    const remedy = `it was not carried: ${left_out}`;
    return { ...item, observed: 'left out at capture', verdict: 'person', remedy };
  }
  if (system.isUnreadable(path)) return { ...item, observed: 'it cannot be read; run as root', verdict: 'skipped' };
  const remedy = `restore the ${place.home === undefined ? 'applications' : 'homes'} again, or copy ${path} from the old machine`;
  if (!system.facts(path)) return { ...item, observed: 'nothing is there', verdict: 'failed', remedy };
  const observed = sizeInWords(size);
  const isLess = place.size.bytes > SMALL_BYTES && size.bytes < place.size.bytes / 2 && !size.at_least;
  if (isLess) return { ...item, observed, verdict: 'failed', remedy };
  return { ...item, observed, verdict: 'same' };
}
