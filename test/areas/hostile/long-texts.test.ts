import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planForged } from './support/planned.ts';
import { HOSTILE_AREAS } from './support/wishes.ts';

const SIZE = 4 * 1024 * 1024 - 100;
const filled = (piece: string): string => piece.repeat(Math.floor(SIZE / piece.length));
const HALF = filled('\n').slice(0, SIZE / 2);

/** Texts on which a search that begins anew at each place, and looks far ahead from there, would take hours. */
const LONG: readonly (readonly [what: string, area: string, path: string, text: string])[] = [
  ['empty lines in a Wi-Fi file', 'network', '/etc/wpa_supplicant/x.conf', HALF],
  [
    'lines that go on in a file of networkd',
    'network',
    '/etc/systemd/network/x.network',
    `[Match]\n${filled('a=b\\\n')}`,
  ],
  ['quotes in a netplan file', 'network', '/etc/netplan/x.yaml', filled('"')],
  ['empty lines in a unit', 'services', '/etc/systemd/system/x.service', HALF],
  [
    'authorities that begin and do not end',
    'security',
    '/usr/local/share/ca-certificates/x.crt',
    filled('-----BEGIN CERTIFICATE-----'),
  ],
  ['empty lines in the settings of sshd', 'security', '/etc/ssh/sshd_config', HALF],
  ['quotes in the settings of borgmatic', 'backup-rules', '/etc/borgmatic/x.yaml', filled('"')],
];

for (const [what, area, path, text] of LONG) {
  test(`4 MiB of ${what} are planned before anybody gives up`, { timeout: 60_000 }, (t) => {
    const files = [{ path, mode: 0o644, uid: 0, gid: 0, text }];
    const { problems } = planForged(t, { areas: { [area]: { ...(HOSTILE_AREAS[area] as object), files } } });
    assert.deepEqual(problems, []);
  });
}
