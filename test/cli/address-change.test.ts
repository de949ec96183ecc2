import assert from 'node:assert/strict';
import { namespacesMissing } from '../discovery/support/namespace.ts';
import { longTest } from '../support/long.ts';
import { restoreOverCable } from '../support/moved-desk.ts';

longTest(
  'the new machine gets another address in the middle of a restore, which goes on and fetches nothing twice',
  {
    skip: namespacesMissing(),
  },
  async () => {
    const { ended, comparison, storedBytes, wireBytes } = await restoreOverCable({ megabytes: 120, change: true });
    assert.equal(ended.status, 0, ended.stdout);
    assert.equal(ended.last.resumed, false, 'it is one and the same run');
    assert.ok(
      ended.events.some(({ message }) => /nas was lost: .*it does not answer any more/.test(String(message))),
      ended.stdout,
    );
    assert.deepEqual(comparison.differences, []);
    // What was under way when the address went is at most a window: 2 MiB a stream.
    assert.ok(wireBytes < storedBytes * 1.05, `${wireBytes} bytes came for ${storedBytes}`);
  },
);
