/**
 * The program inside of a system, as on a machine that runs: in a root, a network and processes of its own, with an adapter
 * whose cable can be pulled. What only a running machine shows of itself is looked at.
 */
import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inNamespaces } from './support/chroot.ts';
import type { Event } from './support/command-line.ts';
import { livedIn } from './support/lived-in.ts';
import { Scene } from './support/scene.ts';

const PROJECT = join(import.meta.dirname, '../..');
const MODULES = realpathSync(join(PROJECT, 'node_modules'));

/** The program lies in a file system of its own, which is gone afterwards. */
const SET_UP = `
mount -t sysfs sysfs "$1/sys"
mount -t tmpfs tmpfs "$1/run"
mkdir -p "$1/run/app/bin" "$1/run/app/src" "$1/run/app/node_modules"
for part in bin src; do mount --bind '${PROJECT}'/$part "$1/run/app/$part"; done
cp '${PROJECT}/package.json' "$1/run/app/"
mount --bind -o ro '${MODULES}' "$1/run/app/node_modules"
ip link add enp3s0 type veth peer name cable
ip link set enp3s0 up; ip link set cable up
ip addr add 192.168.7.20/24 dev enp3s0
ip route add default via 192.168.7.1`;

const SCRIPT = `
cd /run
echo 'four words of nobody' > passphrase
resettle() { /run/app/bin/resettle --home /run/home --json "$@" || echo "{\\"event\\":\\"ended\\",\\"status\\":$?}"; }
store='--store /run/store --passphrase-file /run/passphrase'
say() { echo "{\\"event\\":\\"now\\",\\"what\\":\\"$1\\"}"; }
say capture; resettle capture --areas network,hostname $store
say restore; resettle --yes restore --areas network,hostname --identity same --allow-privileged $store
say whole; resettle checklist --all
ip link set cable down
say unplugged; resettle checklist --all
ip link set cable up; ip addr flush dev enp3s0
say no-address; resettle checklist --all
ip addr add 192.168.7.20/24 dev enp3s0; ip route add default via 192.168.7.1
say again; resettle checklist --all`;

/** What each step printed, by what was said before it. */
function steps(output: string): Map<string, Event[]> {
  const found = new Map<string, Event[]>();
  let now: Event[] = [];
  for (const line of output.split('\n').filter((one) => one.startsWith('{'))) {
    const event = JSON.parse(line) as Event;
    if (event.event !== 'now') now.push(event);
    else {
      now = [];
      found.set(String(event.what), now);
    }
  }
  return found;
}

const verdictOf = (events: readonly Event[] | undefined, id: string): unknown =>
  events?.find((event) => event.event === 'check' && event.id === id)?.verdict;
const statusOf = (events: readonly Event[] | undefined): unknown =>
  events?.find(({ event }) => event === 'ended')?.status ?? 0;

test('a cable that is pulled, and an address that is gone, turn the checklist of a running machine red', () => {
  const root = new Scene().copy(livedIn('bookworm'), 'running');
  const ran = steps(inNamespaces(root, SCRIPT, { setUp: SET_UP, timeoutMs: 300_000 }));
  const shown = JSON.stringify([...ran].map(([what, events]) => [what, events.slice(-8)])).slice(0, 4000);
  assert.notEqual(statusOf(ran.get('restore')), 1, shown);
  const [whole, unplugged, bare, again] = ['whole', 'unplugged', 'no-address', 'again'].map((what) => ran.get(what));
  assert.equal(verdictOf(whole, 'carrier:enp3s0'), 'same', shown);
  assert.equal(verdictOf(whole, 'address:enp3s0'), 'same', shown);
  assert.notEqual(statusOf(whole), 1);
  assert.equal(verdictOf(unplugged, 'carrier:enp3s0'), 'failed');
  assert.equal(statusOf(unplugged), 1);
  assert.equal(verdictOf(bare, 'address:enp3s0'), 'failed');
  assert.equal(statusOf(bare), 1);
  assert.equal(verdictOf(again, 'carrier:enp3s0'), 'same');
  assert.notEqual(statusOf(again), 1);
});
