import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namespacesMissing } from './support/namespace.ts';
import { connected, Office, ownRecord, until } from './support/office.ts';

const skip = namespacesMissing();

for (const [what, options] of [
  ['an agent', []],
  ['an agent bound to an interface', ['--interface', 'lan0']],
] as const) {
  test(`${what} follows a changed address, and members reach it at the new one`, { skip }, async () => {
    await using office = new Office();
    const [ann, nas] = [office.machine('ann'), office.machine('nas')];
    await ann.namespace.joinTo(nas.namespace, 'lan0', '10.92.0.2/24', '10.92.0.3/24');
    await office.found(nas);
    await Promise.all([ann.start(...options), nas.start()]);
    assert.equal((await office.join(ann)).admitted, true);
    await connected(nas, ann);

    ann.namespace.ip('addr', 'add', '10.92.0.77/24', 'dev', 'lan0');
    ann.namespace.ip('addr', 'del', '10.92.0.2/24', 'dev', 'lan0');
    // Deleting the first address of a subnet takes the others along, as it does when a lease changes.
    ann.namespace.ip('addr', 'replace', '10.92.0.77/24', 'dev', 'lan0');
    const moved = ['/ip4/10.92.0.77/tcp/24717'];
    await until('the record has the new address', async () => (await ownRecord(ann)).join() === moved.join());
    // The record comes to the other one over a connection that carries something.
    await until('the other one has the record and nothing else', async () => {
      const peer = await nas.peer(ann);
      return peer?.connected === true && (peer.addresses as string[]).join() === moved.join();
    });
    await connected(ann, nas);
  });
}
