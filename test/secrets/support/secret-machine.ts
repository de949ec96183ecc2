/** A machine in a folder with a secret in every place where people and programs keep one. */
import { randomBytes } from 'node:crypto';
import { hashOf, makeMachine, put } from '../../support/small-machine.ts';

const CONNECTION = `[connection]
id=Lab
uuid=0a1b2c3d-0000-4000-8000-000000000001
type=wifi

[wifi]
ssid=Lab

[wifi-security]
key-mgmt=wpa-psk
psk=SECRET

[ipv4]
method=auto
`;

/** What there is by path, with its secret in it. */
const FILES: Record<string, string> = {
  '/etc/NetworkManager/system-connections/Lab.nmconnection': CONNECTION,
  '/etc/netplan/60-lab.yaml':
    'network:\n  version: 2\n  wifis:\n    wlan0:\n      dhcp4: true\n      access-points:\n        Lab: {password: "SECRET"}\n',
  '/etc/wpa_supplicant/wpa_supplicant.conf': 'network={\n  ssid="Lab"\n  psk="SECRET"\n}\n',
  '/etc/wireguard/wg0.conf': '[Interface]\nPrivateKey = SECRET\nAddress = 10.9.0.2/24\n',
  '/etc/ppp/chap-secrets': 'ann * SECRET *\n',
  '/etc/openvpn/client/lab.conf': 'client\n<auth-user-pass>\nann\nSECRET\n</auth-user-pass>\n',
  '/etc/network/interfaces':
    'auto lo\niface lo inet loopback\nallow-hotplug w\niface w inet dhcp\n  wpa-ssid Lab\n  wpa-psk SECRET\n',
  '/etc/fstab': '//nas/ann /mnt/nas cifs username=ann,password=SECRET,nofail 0 0\n',
  '/etc/credentials-nas': 'username=ann\npassword=SECRET\n',
  '/etc/cups/printers.conf':
    '<Printer office>\nUUID urn:uuid:5d4e6a70-1111-3222-8333-444455556666\nDeviceURI smb://ann:SECRET@nas/office\nState Idle\n</Printer>\n',
  '/etc/ssl/private/lab.key': '-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n',
  '/etc/ssh/ssh_host_ed25519_key': '-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET\n-----END OPENSSH PRIVATE KEY-----\n',
  '/etc/krb5.keytab': 'SECRET',
  '/etc/cron.d/backup': '5 4 * * * root RESTIC_PASSWORD=SECRET restic backup /home\n',
  '/etc/systemd/system/backup.service': '[Service]\nEnvironment=RESTIC_PASSWORD=SECRET\nExecStart=/usr/bin/true\n',
  '/etc/apt/auth.conf.d/lab.conf': 'machine packages.example login ann password SECRET\n',
  '/etc/environment': 'API_TOKEN=SECRET\n',
  '/home/ann/.ssh/id_ed25519': '-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET\n-----END OPENSSH PRIVATE KEY-----\n',
  '/home/ann/.config/rclone/rclone.conf': '[nas]\npass = SECRET\n',
  '/home/ann/.git-credentials': 'https://ann:SECRET@git.example\n',
  '/home/ann/thesis.txt': 'What nobody else shall read: SECRET\n',
  '/var/spool/cron/crontabs/ann': '5 4 * * * TOKEN=SECRET sync\n',
};

/** Makes it, with ann on it. Returns each secret by the place where it is. */
export function makeSecretMachine(root: string): Map<string, string> {
  makeMachine(root, 'oldbox', [{ name: 'ann', id: 1000 }]);
  const secrets = new Map([["ann's hash in /etc/shadow", hashOf('secret-ann').split('$').at(-1)!]]);
  for (const [path, content] of Object.entries(FILES)) {
    const secret = randomBytes(18).toString('base64url').replaceAll(/[-_]/g, 'x');
    secrets.set(`the secret in ${path}`, secret);
    const owner = path.includes('ann') && !path.startsWith('/etc/') ? { uid: 1000, gid: 1000 } : {};
    put(root, path, { content: content.replace('SECRET', secret), mode: 0o600, ...owner });
  }
  return secrets;
}
