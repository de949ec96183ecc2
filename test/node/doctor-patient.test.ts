import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerIdText } from '../../src/common/ids.ts';
import { addressesOf } from '../../src/node/doctor/addresses.ts';
import { findPatient } from '../../src/node/doctor/patient.ts';
import type { Member, Roster } from '../../src/state/records/index.ts';
import { link } from '../discovery/support/links.ts';

const id = (text: string) => text as PeerIdText;
const SELF = id('12D3self');

function roster(members: readonly Partial<Member>[]): Roster {
  const all = [{ peerId: SELF, name: 'me' }, ...members].map(
    (member) => ({ status: 'active', addresses: [], ...member }) as Member,
  );
  return { members: new Map(all.map((member) => [member.peerId, member])) } as unknown as Roster;
}

const OFFICE = roster([
  { peerId: id('12D3aaa1'), name: 'nas' },
  { peerId: id('12D3aaa2'), name: 'old', status: 'revoked' },
  { peerId: id('12D3bbb3'), name: 'twin' },
  { peerId: id('12D3bbb4'), name: 'twin' },
  { peerId: id('12D3bbb5'), name: 'again', status: 'revoked' },
  { peerId: id('12D3bbb6'), name: 'again' },
]);

test('a machine is found by name, also one that was revoked, by a part of its id, and by what is heard of it', () => {
  const found = (text: string) => findPatient(OFFICE, [id('12D3ccc9')], SELF, text);
  assert.deepEqual(found('nas'), { peerId: '12D3aaa1', name: 'nas' });
  assert.deepEqual(found('old'), { peerId: '12D3aaa2', name: 'old' });
  assert.deepEqual(found('again'), { peerId: '12D3bbb6', name: 'again' });
  assert.deepEqual(found('12D3aaa1'), { peerId: '12D3aaa1', name: 'nas' });
  assert.deepEqual(found('12D3c'), { peerId: '12D3ccc9', name: '12D3ccc9' });
});

test('what fits nobody, several, or this machine itself is refused', () => {
  const find = (text: string) => () => findPatient(OFFICE, [], SELF, text);
  assert.throws(find('nobody'), { code: 'not-found', hint: /nas/ });
  assert.throws(find(''), { code: 'not-found' });
  assert.throws(find('twin'), { code: 'ambiguous', message: /12D3bbb3.*12D3bbb4/ });
  assert.throws(find('12D3aaa'), { code: 'ambiguous' });
  assert.throws(find('me'), { code: 'usage' });
});

test('addresses of a peer are joined from all sources, the nearest first, each with how it is known', () => {
  const known = addressesOf('12D3aaa1', {
    heard: [
      {
        peerId: id('12D3aaa1'),
        addresses: ['/ip4/10.0.0.2/tcp/1'],
        interfaceName: 'eth0',
        firstSeenMs: 0,
        expiresAtMs: 0,
      },
      {
        peerId: id('12D3bbb3'),
        addresses: ['/ip4/10.0.0.9/tcp/1'],
        interfaceName: 'eth0',
        firstSeenMs: 0,
        expiresAtMs: 0,
      },
    ],
    roster: roster([
      { peerId: id('12D3aaa1'), name: 'nas', addresses: ['/ip4/192.0.2.9/tcp/1', '/ip4/10.0.0.2/tcp/1'] },
    ]),
    seeds: ['/ip4/192.0.2.7/tcp/1', '/ip4/192.0.2.8/tcp/1/p2p/12D3aaa1'],
    dialled: [
      { peerId: '12D3aaa1', address: '/ip4/10.0.0.2/tcp/1/p2p/12D3aaa1' },
      { peerId: '12D3bbb3', address: '/ip4/10.0.0.9/tcp/1' },
    ],
    links: [link('eth0', ['10.0.0.7/24'])],
  });
  assert.deepEqual(known, [
    { address: '/ip4/10.0.0.2/tcp/1', knownBy: ['multicast', 'record', 'connection'] },
    { address: '/ip4/192.0.2.9/tcp/1', knownBy: ['record'] },
    { address: '/ip4/192.0.2.8/tcp/1', knownBy: ['seed'] },
  ]);
});
