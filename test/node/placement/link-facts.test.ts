import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkFactsOf } from '../../../src/node/placement/link-facts.ts';
import { link } from '../../discovery/support/links.ts';

test('the speed towards an address is that of the interface on whose subnet it is; else it is not known', () => {
  const facts = linkFactsOf(() => [
    link('lo', ['127.0.0.1/8'], { kind: 'loopback' }),
    link('eth0', ['192.168.7.2/24'], { speedMbps: 1000 }),
    link('wlan0', ['192.168.9.2/24'], { kind: 'radio' }),
    link('eth1', ['fd00::2/64'], { speedMbps: 2500 }),
  ]);
  assert.equal(facts.mbps('/ip4/192.168.7.50/tcp/4000'), 1000);
  assert.equal(facts.mbps('192.168.7.50'), 1000);
  assert.equal(facts.mbps('/ip6/fd00::77/tcp/4000'), 2500);
  for (const unknown of ['/ip4/192.168.9.50/tcp/1', '/ip4/127.0.0.1/tcp/1', '/ip4/8.8.8.8/tcp/1', '']) {
    assert.equal(facts.mbps(unknown), 0, unknown);
  }
  assert.equal(facts.sameSubnet('/ip4/192.168.9.50/tcp/1'), true);
  assert.equal(facts.sameSubnet('/ip4/8.8.8.8/tcp/1'), false);
});
