/**
 * What a change of the destination's address costs: the same restore over a cable between two network namespaces, left
 * alone and with another address from its middle on. Bytes are counted at the interface. As root:
 * `sh bin/node --disable-warning=ExperimentalWarning bench/faults/destination-address.ts [MEGABYTES]`
 */
import { type Moved, restoreOverCable } from '../../test/support/moved-desk.ts';

const megabytes = Number(process.argv[2] ?? 400);

function row(what: string, { ended, comparison, storedBytes, wireBytes, durationMs }: Moved): number {
  const share = wireBytes / storedBytes;
  console.log(
    JSON.stringify({
      what,
      status: ended.status,
      differences: comparison.differences.length,
      storedBytes,
      wireBytes,
      wireShare: Number(share.toFixed(4)),
      seconds: Number((durationMs / 1000).toFixed(1)),
      notes: ended.events.filter(({ event }) => event === 'note').map(({ message }) => message),
    }),
  );
  return share;
}

const alone = row('left alone', await restoreOverCable({ megabytes, change: false }));
const moved = row('another address at half', await restoreOverCable({ megabytes, change: true }));
console.log(JSON.stringify({ ratio: Number((moved / alone).toFixed(4)) }));
