/** The same restore onto machines that are not as the old one was, and by people who may not do everything. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PASSWORDS } from './lived-in/people.ts';
import { nameOf, PROOFS, prove, soundness } from './proofs/index.ts';
import { logIn } from './proofs/people.ts';
import { inNamespaces } from './support/chroot.ts';
import { toldBy } from './support/command-line.ts';
import { livedIn } from './support/lived-in.ts';
import { Scene } from './support/scene.ts';
import { compare, shownDifference, treeOf } from './support/tree.ts';

const scene = new Scene();
const home = scene.home();
const old = livedIn('bookworm');
const captured = scene.capture(home, old);

/** What a script prints in a system, standard error included. */
const said = (root: string, script: string): string => inNamespaces(root, `(${script}) 2>&1 || true`).trim();

test('a person may have another name: home, password, groups, crontab, sudo, mail, printers and access rights go along', () => {
  assert.equal(captured.status, 0, toldBy(captured));
  const root = scene.newSystem('mapped');
  const ran = scene.restore(home, root, '--allow-privileged', '--areas', 'all', '--map-user', 'ann=anna');
  assert.equal(ran.status, 3, toldBy(ran));
  assert.match(said(root, 'getent passwd anna'), /^anna:x:1000:1000:Ann Ångström,.*:\/home\/anna:\/bin\/bash$/);
  assert.equal(
    said(
      root,
      'getent passwd ann; getent group ann; ls -d /home/ann /var/mail/ann /var/spool/cron/crontabs/ann 2>/dev/null',
    ),
    '',
  );
  assert.equal(said(root, logIn('anna', PASSWORDS.ann!)), 'anna\n/');
  assert.equal(said(root, 'id -Gn anna'), 'anna cdrom sudo audio lpadmin lab');
  assert.equal(said(root, 'getent gshadow lab'), 'lab:!:anna:anna,bob,fritz-lab');
  assert.match(said(root, 'crontab -u anna -l'), /16 \* \* 1-5/);
  assert.match(said(root, 'sudo -l -U anna'), /\(ALL\) ALL/);
  assert.match(said(root, 'stat -c %U /var/mail/anna; cat /var/mail/anna'), /^anna\n.*Subject: tea/s);
  assert.match(said(root, 'getfacl -p /home/bob/notes.txt'), /^user:anna:rw-$/m);
  assert.match(
    said(root, 'getfacl -p /home/anna/shared/from-bob.txt'),
    /# owner: bob\n# group: lab\n.*^user:bob:rw-$/ms,
  );
  assert.match(said(root, 'cat /etc/cups/printers.conf'), /^AllowUser anna$/m);
  assert.match(said(root, 'grep -h anna: /etc/subuid /etc/subgid'), /^anna:100000:65536\nanna:100000:65536$/);
  assert.equal(said(root, 'ls /var/lib/systemd/linger'), 'anna');
  assert.match(
    said(root, 'mkdir -p /run/sshd; sshd -T -C user=anna,host=x,addr=1.2.3.4 | grep allowusers'),
    /allowusers anna/,
  );
  assert.equal(said(root, 'find /home /srv /var/mail -nouser -o -nogroup'), '');
  assert.deepEqual(soundness(root), []);
});

test('whoever is there already keeps name and number, and files follow the numbers that people get', () => {
  const root = scene.newSystem('clash');
  inNamespaces(
    root,
    "groupadd -g 2001 guests; useradd -m -u 1000 -s /bin/bash installer; echo 'installer:in' | chpasswd; echo mine > /home/installer/mine; useradd -m -u 1600 -s /bin/sh other",
  );
  const ran = scene.restore(home, root, '--allow-privileged', '--areas', 'all');
  assert.equal(ran.status, 3, toldBy(ran));
  assert.match(said(root, 'getent passwd installer'), /^installer:x:1000:1000:/);
  assert.equal(said(root, logIn('installer', 'in')), 'installer\n/');
  assert.equal(said(root, 'getent group guests'), 'guests:x:2001:');
  for (const name of ['ann', 'fritz-lab']) {
    assert.equal(said(root, logIn(name, PASSWORDS[name]!)), `${name}\n/`);
    assert.equal(said(root, `stat -c '%U:%G' /home/${name} /home/${name}/.bashrc`), `${name}:${name}\n${name}:${name}`);
    assert.match(said(root, `crontab -u ann -l`), /tea/);
  }
  assert.notEqual(said(root, 'id -u ann'), '1000');
  assert.notEqual(said(root, 'getent group lab | cut -d: -f3'), '2001');
  assert.equal(said(root, "stat -c '%U:%G %a' /home/ann/shared /usr/local/bin/lab-id"), 'ann:lab 2770\nroot:lab 2755');
  assert.match(said(root, 'getfacl -p /home/ann/shared'), /^default:group:lab:rwx$/m);
  assert.equal(
    said(
      root,
      'find /home /srv /var/mail /usr/local \\( -user installer -o -user other -o -group guests \\) ! -path "/home/installer*" ! -path "/home/other*"',
    ),
    '',
  );
  assert.equal(said(root, 'find /home /srv /var/mail /usr/local -nouser -o -nogroup'), '');
  assert.deepEqual(soundness(root), []);
});

test('a restore onto the next release of the system brings the same', (t) => {
  const root = scene.newSystem('trixie', 'trixie');
  const before = treeOf(root);
  const ran = scene.restore(home, root, '--allow-privileged');
  assert.equal(ran.status, 3, toldBy(ran));
  const after = treeOf(root);
  const proofs = PROOFS.filter(({ onlySame, onlyAsked, differs }) => !onlySame && !onlyAsked && !differs);
  const expected = prove(scene.copy(old, 'asked'), proofs);
  const found = prove(root, proofs);
  const failing = proofs.map(nameOf).filter((name) => found.get(name) !== expected.get(name));
  assert.deepEqual(
    failing.map((name) => `${name}\n--- old\n${expected.get(name)}\n--- restored\n${found.get(name)}`),
    [],
  );
  assert.deepEqual(soundness(root), []);
  t.diagnostic(`${proofs.length} of ${proofs.length} proofs hold`);
  assert.ok(compare(before, after).added.length > 0);
});

test('only the areas that are named change anything', () => {
  const root = scene.newSystem('some');
  const before = treeOf(root);
  const ran = scene.restore(home, root, '--allow-privileged', '--areas', 'accounts,printers');
  assert.ok(ran.status === 3 || ran.status === 0, ran.stderr);
  const { added, removed, altered } = compare(before, treeOf(root));
  const isTheirs = /^\/etc(?:$|\/cups(?:\/|$)|\/(?:passwd|shadow|group|gshadow|subuid|subgid)-?$)/;
  assert.deepEqual(
    [...added, ...removed, ...altered].filter((path) => !isTheirs.test(path)),
    [],
  );
  assert.ok(added.includes('/etc/cups/printers.conf') && altered.includes('/etc/passwd'));
  assert.equal(home.run('undo').status, 0);
  assert.deepEqual(shownDifference(before, treeOf(root)), []);
});

test('a plain user takes and brings what is his own, and is told of the rest', () => {
  const own = join(scene.folder, 'of-ann');
  mkdirSync(own);
  chmodSync(scene.folder, 0o755);
  chownSync(own, 1000, 1000);
  const ann = scene.home('of-ann/home', [
    'setpriv',
    '--reuid=1000',
    '--regid=1000',
    '--clear-groups',
    'env',
    `HOME=${own}`,
  ]);
  const away = scene.apart(own);
  const taken = away.capture(ann, old);
  assert.equal(taken.status, 3, toldBy(taken));
  const root = scene.newSystem('plain');
  inNamespaces(root, 'useradd -m -u 1000 -s /bin/bash ann');
  const before = treeOf(root);
  const ran = away.restore(ann, root);
  assert.equal(ran.status, 3, toldBy(ran));
  const { added, removed, altered } = compare(before, treeOf(root));
  assert.deepEqual(
    [...added, ...removed, ...altered].filter((path) => !path.startsWith('/home/ann')),
    [],
  );
  assert.ok(added.includes('/home/ann/Documents/letter.txt'));
  assert.ok(!added.some((path) => path.includes('/bob')));
  const told = ran.events.filter(
    ({ event, action }) => event === 'skipped' || (event === 'area-item' && action === 'withhold'),
  );
  for (const what of ['/etc/shadow', 'needs root']) assert.ok(JSON.stringify(told).includes(what), what);
  assert.equal(ann.run('undo').status, 0);
  assert.deepEqual(shownDifference(before, treeOf(root)), []);
});
