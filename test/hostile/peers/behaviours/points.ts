/** A point that lies, against a real source. What is not seen here: test/node/source/capture.test.ts. */
import assert from 'node:assert/strict';
import type { Behaviour } from '../behaviour.ts';
import { EvilPoint } from '../evil-point.ts';

export const points: readonly Behaviour[] = [
  {
    who: 'point',
    protocol: 'point, blocks',
    isSlow: true,
    name: 'says that it has endless room, and then refuses every pack',
    must: 'the capture ends with an error that names it, and nothing is committed',
    async run(stage) {
      const evil = await EvilPoint.open(stage, { capacity: { freeBytes: Number.MAX_SAFE_INTEGER }, full: true });
      try {
        const { last, stdout } = await evil.capture();
        assert.equal(last.event, 'error', stdout);
        assert.match(stdout, new RegExp(evil.name));
        assert.equal(evil.commits, 0);
      } finally {
        await evil.end();
      }
    },
  },
];
