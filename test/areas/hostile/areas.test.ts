import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { AREA_NAMES } from '../../../src/state/areas/base/names.ts';
import { endOfFile, forgeMachine } from './support/forged.ts';
import { type Outcome, restoreEveryWay, restoreOnto } from './support/restored.ts';
import { TARGET, targetWith } from './support/target.ts';
import { HOSTILE_AREAS, SCRIPT } from './support/wishes.ts';

const END = endOfFile();
let outcomes: Outcome[];

const forged = () =>
  forgeMachine(END, {
    areas: HOSTILE_AREAS,
    roots: [
      { path: '/usr/local/bin/evil', area: 'usr-local', isPersonal: false },
      { path: '/etc/cron.d/application', area: 'applications', isPersonal: false },
    ],
    files: {
      '/usr/local/bin/evil': { content: SCRIPT, mode: 0o4755 },
      '/etc/cron.d/application': '* * * * * root id\n',
    },
  });

before(async () => {
  const target = targetWith({ '/mnt/link': { link: '/' } });
  outcomes = await restoreEveryWay(END, await forged(), target, { areas: AREA_NAMES });
});

const DEEDS = ['add', 'replace', 'merge', 'remove'];
const isAllowed = ({ way }: Outcome): boolean => way.allowPrivileged;

/** What root may bring, with a file that is root's then where it is one; and why it is not brought unasked. */
const PRIVILEGED: readonly (readonly [reason: string, id: string, path: string])[] = [
  [
    'a connection decides where traffic goes',
    'connection:Evil.nmconnection',
    '/etc/NetworkManager/system-connections/Evil.nmconnection',
  ],
  [
    'NetworkManager runs its scripts as root',
    'dispatcher:dispatcher.d/90-evil',
    '/etc/NetworkManager/dispatcher.d/90-evil',
  ],
  ['ifup runs its scripts as root', 'network-script:if-up.d/evil', '/etc/network/if-up.d/evil'],
  ['another name server answers what it likes', 'resolver:resolv.conf', '/etc/resolv.conf'],
  ['LD_PRELOAD is loaded into root’s programs', 'variable:LD_PRELOAD', '/etc/environment'],
  ['PATH decides which programs root runs', 'variable:PATH', '/etc/environment'],
  ['root’s shell reads profile.d', 'file:/etc/profile.d/evil.sh', '/etc/profile.d/evil.sh'],
  ['skel goes into every new home', 'file:/etc/skel/.bashrc', '/etc/skel/.bashrc'],
  ['a core pattern of sysctl runs a program', 'file:/etc/sysctl.d/evil.conf', '/etc/sysctl.d/evil.conf'],
  ['a share with suid holds programs of a stranger’s root', 'mount:/mnt/evil', '/etc/fstab'],
  ['mount runs what a line of fuse names', 'mount:/mnt/fuse', '/etc/fstab'],
  ['root runs what lies in /usr/local', 'folder:/usr/local/bin/evil', '/usr/local/bin/evil'],
  ['cron runs what an application keeps in cron.d', 'data:evil:/etc/cron.d/application', '/etc/cron.d/application'],
  ['a backup reads its settings as root', 'file:/etc/restic/evil', '/etc/restic/evil'],
  ['what a backup leaves out is root’s to say', 'file:/etc/borg/exclude', '/etc/borg/exclude'],
  [
    'autologin needs no password',
    'file:/etc/systemd/system/getty@tty1.service.d/autologin.conf',
    '/etc/systemd/system/getty@tty1.service.d/autologin.conf',
  ],
  ['udev runs its rules as root', 'file:/etc/udev/rules.d/99-evil.rules', '/etc/udev/rules.d/99-evil.rules'],
  ['a terminal obeys what is shown before a login', 'file:/etc/issue', '/etc/issue'],
  ['xorg loads modules as root', 'file:/etc/X11/xorg.conf.d/10-evil.conf', '/etc/X11/xorg.conf.d/10-evil.conf'],
  ['a crontab runs as somebody who was here', 'crontab:bob', '/var/spool/cron/crontabs/bob'],
  ['root’s crontab', 'crontab:root', '/var/spool/cron/crontabs/root'],
  ['a service’s crontab', 'crontab:www-data', '/var/spool/cron/crontabs/www-data'],
  ['a line of the system’s crontab', 'file:/etc/crontab', '/etc/crontab'],
  ['a file of cron.d', 'file:/etc/cron.d/evil', '/etc/cron.d/evil'],
  ['a script of cron.daily', 'file:/etc/cron.daily/evil', '/etc/cron.daily/evil'],
  ['a timer with its service', 'timer:evil.timer', '/etc/systemd/system/evil.timer'],
  ['timers of somebody who was here run without a login', 'linger:bob', '/var/lib/systemd/linger/bob'],
  ['a unit', 'file:/etc/systemd/system/evil.service', '/etc/systemd/system/evil.service'],
  [
    'a drop-in of a unit',
    'file:/etc/systemd/system/ssh.service.d/evil.conf',
    '/etc/systemd/system/ssh.service.d/evil.conf',
  ],
  ['a script of the start', 'file:/etc/rc.local', '/etc/rc.local'],
  ['a rule of sudo', 'sudoers:/etc/sudoers.d/evil', '/etc/sudoers.d/evil'],
  ['a rule of polkit', 'polkit:/etc/polkit-1/rules.d/00-evil.rules', '/etc/polkit-1/rules.d/00-evil.rules'],
  ['a key of a source of packages', 'keyring:/etc/apt/keyrings/evil.asc', '/etc/apt/keyrings/evil.asc'],
  ['a source of packages', 'source:/etc/apt/sources.list.d/evil.list', '/etc/apt/sources.list.d/evil.list'],
  ['a printer whose backend writes a file', 'printer:overwrite', '/etc/cups/printers.conf'],
  ['a printer whose backend nobody knows', 'printer:command', '/etc/cups/printers.conf'],
  ['a driver that names a program by its path', 'printer:filter', '/etc/cups/ppd/filter.ppd'],
  ['another print server sees what is printed', 'file:client.conf', '/etc/cups/client.conf'],
  ['another address for the name of a mirror', 'hosts:203.0.113.7', '/etc/hosts'],
];

/** What is not brought whoever asks. */
const REFUSED: readonly (readonly [reason: string, id: string, path: string])[] = [
  ['a network file where cron reads', 'file:/etc/cron.d/network', '/etc/cron.d/network'],
  ['a network file that is a link to a secret', 'netplan:evil.yaml', '/etc/netplan/evil.yaml'],
  ['credentials that hold more than a user and a password', 'credentials:/etc/evilcred', '/etc/evilcred'],
  ['a mount over /etc', 'mount:/etc', '/etc/none'],
  ['a mount whose place leads over /etc by a link', 'mount:/mnt/link/etc', '/etc/none'],
  ['a mount whose place climbs', 'mount:/mnt/../etc', '/etc/none'],
  ['backup rules where cron reads', 'file:/etc/cron.d/backup', '/etc/cron.d/backup'],
  ['a licence where cron reads', 'licence:/etc/cron.d/evil.lic', '/etc/cron.d/evil.lic'],
  ['a licence where shells read', 'licence:/etc/profile.d/evil.sh', '/etc/none'],
  ['a licence in a folder that a program would have made', 'licence:/etc/evil.d/evil.lic', '/etc/evil.d'],
  ['a setting of licences in sudoers', 'variable:LM_LICENSE_FILE in /etc/sudoers.d/x', '/etc/sudoers.d/x'],
  ['a desktop session of root', 'session:root', '/var/lib/AccountsService/users/root'],
  ['a picture of an account of the system', 'session:www-data', '/var/lib/AccountsService/icons/www-data'],
  ['a crontab of nobody', 'crontab:nobody-here', '/var/spool/cron/crontabs/nobody-here'],
  ['a crontab that is none', 'file:/etc/cron.d/broken', '/etc/cron.d/broken'],
  ['a folder that cron does not know', 'file:/etc/cron.evil/x', '/etc/cron.evil'],
  ['a timer that is a link to a secret', 'timer:other.timer', '/etc/systemd/system/timers.target.wants/other.timer'],
  ['root, lingering', 'linger:root', '/var/lib/systemd/linger/root'],
  ['a unit that is a link to a file', 'file:/etc/systemd/system/passwd.service', '/etc/systemd/system/passwd.service'],
  ['a unit of another area', 'file:/etc/systemd/system/getty@tty1.service', '/etc/systemd/system/getty@tty1.service'],
  ['a unit where sudo reads', 'file:/etc/sudoers.d/services', '/etc/sudoers.d/services'],
  ['run levels of a script that is not there', 'run-levels:rc.local', '/etc/rc2.d'],
  ['masking what is not here', 'unit:auditd.service', '/etc/systemd/system/auditd.service'],
  ['a rule of sudo that another owns', 'sudoers:/etc/sudoers.d/theirs', '/etc/sudoers.d/theirs'],
  ['a rule of sudo that others can write', 'sudoers:/etc/sudoers.d/open', '/etc/sudoers.d/open'],
  ['an authority that is no certificate', 'certificate:/usr/local/share/ca-certificates/evil.crt', '/usr/local/share'],
  [
    'a rule of polkit that is a link',
    'polkit:/etc/polkit-1/rules.d/01-link.rules',
    '/etc/polkit-1/rules.d/01-link.rules',
  ],
  ['how people log in', 'file:/etc/pam.d/sshd', '/etc/pam.d'],
  ['a hook of apt', 'file:/etc/apt/apt.conf.d/00evil', '/etc/apt/apt.conf.d'],
  ['an at job', 'at:a0000101', '/var/spool/cron/atjobs'],
];

for (const [reason, id, path] of PRIVILEGED) {
  test(`only where it is allowed: ${reason}`, () => {
    for (const outcome of outcomes) {
      const { action, effect, detail, paths } = outcome.item(id);
      assert.notEqual(effect, null);
      if (!isAllowed(outcome)) {
        assert.equal(action, 'withhold');
        assert.match(detail, /--allow-privileged brings it/);
        assert.deepEqual(paths, []);
        if (path !== '/etc/cups/printers.conf' && path !== '/etc/hosts') assert.ok(!outcome.changed.includes(path));
        continue;
      }
      assert.ok(DEEDS.includes(action), `${action}: ${detail}`);
      assert.ok(outcome.changed.includes(path), `${path} is not there`);
      const { mode, uid } = outcome.system.facts(path)!;
      assert.equal(mode & 0o022, 0, 'nobody else may write it');
      if (effect !== 'existing-account' && !path.endsWith('/www-data')) assert.equal(uid, 0);
    }
  });
}

for (const [reason, id, path] of REFUSED) {
  test(`never: ${reason}`, () => {
    for (const outcome of outcomes) {
      const { action, paths } = outcome.item(id);
      assert.ok(!DEEDS.includes(action), action);
      assert.deepEqual(paths, []);
      assert.ok(!outcome.changed.some((one) => one === path || one.startsWith(`${path}/`)), path);
    }
  });
}

test('unasked only what is a person’s own, and harmless, is changed', () => {
  const [other, same] = outcomes;
  const harmless = ['/etc/cups/printers.conf', '/etc/shells'];
  assert.deepEqual(other!.changed, harmless);
  assert.deepEqual(same!.changed, [...harmless, '/etc/hostname', '/etc/hosts', '/etc/machine-info'].sort());
  assert.doesNotMatch(other!.system.text('/etc/cups/printers.conf')!, /overwrite|command|filter/);
  assert.doesNotMatch(same!.system.text('/etc/hosts')!, /203\.0\.113/);
});

test('no area is put back, so that what was allowed hides nothing else', () => {
  for (const { applied, error } of outcomes) {
    assert.equal(error, undefined);
    assert.deepEqual(applied!.areas!.failed, []);
    assert.ok(applied!.skipped > 0, 'the exit status is 3');
  }
});

test('whatever a script says of keys, it is shown before it is allowed', () => {
  for (const outcome of outcomes.filter(isAllowed)) {
    const shown = outcome.item('dispatcher:dispatcher.d/90-evil').difference.join('\n');
    assert.match(shown, /chmod 4755 \/tmp\/sh/);
    for (const [, id] of PRIVILEGED) {
      const { difference, paths } = outcome.item(id);
      if (paths.length > 0) assert.ok(difference.length > 0, id);
    }
  }
});

test('security and software stay out unless they are named, whatever else is allowed', async (t) => {
  const outcome = await restoreOnto(t, await forged(), TARGET, { allowPrivileged: true, identity: 'same' });
  for (const area of ['security', 'software']) assert.equal(outcome.item(`area:${area}`).action, 'withhold');
  for (const path of ['/etc/sudoers.d', '/etc/polkit-1', '/etc/apt/sources.list.d', '/etc/apt/keyrings']) {
    assert.ok(!outcome.changed.some((one) => one.startsWith(path)), path);
  }
});
