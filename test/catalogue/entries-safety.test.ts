import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTaken, rules, whyOf } from './support.ts';

const taken = (...paths: string[]) => {
  for (const path of paths) assert.ok(isTaken(path), whyOf(path));
};
const left = (...paths: string[]) => {
  for (const path of paths) assert.ok(!isTaken(path), whyOf(path));
};

describe('The rules together', () => {
  test('never leave a home, or the folders that people know', () => {
    taken('~', '~/.config', '~/.local', '~/.local/share', '~/.local/state', '~/.local/bin', '~/bin', '~/src', '~/.var');
    for (const name of ['Desktop', 'Documents', 'Downloads', 'Music', 'Pictures', 'Public', 'Templates', 'Videos']) {
      taken(`~/${name}`, `~/${name}/something`, `~/${name}/folder/lock`, `~/${name}/folder/cache/report.odt`);
    }
  });

  test('take what no rule knows, whatever it is called', () => {
    taken(
      '~/.unknown',
      '~/.unknown/state.db',
      '~/.config/unknown/settings',
      '~/.local/share/unknown/x',
      '~/snap/own/1/x',
    );
    taken(
      '~/Documents/lock',
      '~/Documents/keys.lock',
      '~/Documents/tmp/a.tmp',
      '~/src/app/Cargo.lock',
      '~/src/app/build',
    );
    taken('~/src/app/target/x', '~/src/logs/run.log', '~/src/cache/data.csv', '~/data/core', '~/data/core.123');
  });

  test('take secrets that people cannot make again', () => {
    taken(
      '~/.ssh',
      '~/.ssh/id_rsa',
      '~/.ssh/id_ed25519',
      '~/.ssh/id_ed25519_sk',
      '~/.ssh/lab.pem',
      '~/.ssh/known_hosts',
    );
    taken(
      '~/.ssh/control',
      '~/.ssh/master_key',
      '~/.ssh/cm-lab.pem',
      '~/.ssh/agent',
      '~/.ssh/lock',
      '~/.ssh/keys/id_lab',
    );
    taken('~/.gnupg', '~/.gnupg/private-keys-v1.d/AB.key', '~/.gnupg/pubring.kbx', '~/.gnupg/trustdb.gpg');
    taken('~/.gnupg/openpgp-revocs.d/AB.rev', '~/.gnupg/secring.gpg', '~/.gnupg/SMIME.crt');
    taken('~/.local/share/keyrings/login.keyring', '~/.local/share/kwalletd/kdewallet.kwl', '~/.password-store/a.gpg');
    taken('~/Documents/home.kdbx', '~/.pki/nssdb/key4.db', '~/.netrc', '~/.aws/credentials', '~/.kube/config');
    taken('~/.mozilla/firefox/a.default/key4.db', '~/.mozilla/firefox/a.default/logins.json');
    taken('~/.config/google-chrome/Default/Login Data', '~/.config/google-chrome/Local State');
    taken('/etc/letsencrypt/archive/a/privkey1.pem', '/etc/munge/munge.key');
  });

  test('never take locks, sockets and what is of one session', () => {
    left('~/.Xauthority', '~/.ICEauthority', '~/.gnupg/S.gpg-agent', '~/.gnupg/S.keyboxd', '~/.gnupg/random_seed');
    left('~/.mozilla/firefox/a.default/lock', '~/.mozilla/firefox/a.default/.parentlock', '~/.thunderbird/a.x/lock');
    left(
      '~/.config/google-chrome/SingletonLock',
      '~/.config/chromium/SingletonSocket',
      '~/.config/Slack/SingletonCookie',
    );
    left('~/.ssh/agent/s.abc.agent.def', '~/.local/share/jupyter/runtime/kernel-1.json');
  });

  test('never take what is one machine’s own', () => {
    left('/etc/machine-id', '/etc/krb5.keytab', '~/lab.keytab', '/var/lib/dhcp/dhclient.leases', '/var/lib/systemd/x');
    left('/etc/ssh/ssh_host_rsa_key', '/etc/ssh/ssh_host_ed25519_key', '/etc/ssh/ssh_host_ed25519_key.pub');
    left('/var/lib/samba/private/secrets.tdb', '/var/lib/bluetooth/AA/info', '/var/lib/fprint/ann/x');
    left('/etc/salt/pki/minion/minion.pem', '/etc/iscsi/initiatorname.iscsi', '/var/lib/tailscale/tailscaled.state');
  });

  test('take of the system only single things, and none that an area of its own carries', () => {
    left('/', '/etc', '/usr', '/var', '/var/lib', '/var/log', '/var/cache', '/opt', '/srv', '/boot', '/root', '/home');
    left(
      '/etc/passwd',
      '/etc/shadow',
      '/etc/sudoers',
      '/etc/sudoers.d/x',
      '/etc/fstab',
      '/etc/crypttab',
      '/etc/hostname',
    );
    left('/etc/hosts', '/etc/cups/printers.conf', '/etc/NetworkManager/system-connections/a', '/etc/crontab');
    left('/etc/systemd/system/x.service', '/etc/polkit-1/rules.d/x', '/etc/apt/sources.list', '/etc/environment');
    left('/etc/ssh/sshd_config', '/etc/wireguard/wg0.conf', '/etc/openvpn/lab.conf', '/etc/fail2ban/jail.local');
    left('/etc/mailname', '/etc/timeshift/timeshift.json', '/etc/netplan/x.yaml', '/etc/default/keyboard');
    left('/etc/ssl/private/x.key', '/etc/udev/rules.d/x.rules', '/etc/pam.d/login', '/etc/security/limits.conf');
    for (const { id, include } of rules) {
      for (const path of include.filter((text) => text.startsWith('/'))) {
        assert.ok(path.split('/').length >= 3, `${id} includes ${path}`);
      }
    }
  });

  test('know browsers and programs whose secrets a keyring seals as one unit with it', () => {
    const unitOf = (id: string) => rules.find((rule) => rule.id === id)?.['one-unit-with'];
    for (const id of ['chromium', 'google-chrome', 'brave', 'vivaldi', 'opera', 'microsoft-edge', 'signal-desktop']) {
      assert.deepEqual(unitOf(id), ['gnome-keyring', 'kwallet'], id);
    }
    assert.deepEqual(unitOf('firefox'), []);
  });

  test('say of each database server how its data is taken along', () => {
    for (const id of ['postgresql', 'mariadb', 'mysql', 'mongodb', 'redis', 'influxdb', 'slapd']) {
      const rule = rules.find((one) => one.id === id);
      assert.ok(rule?.dump, id);
      assert.ok(rule['close-before'].includes(rule.dump.process), id);
    }
  });
});
