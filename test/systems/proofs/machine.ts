import { END_CUPS, WITH_CUPS } from '../lived-in/printers.ts';
import type { Proof } from './proof.ts';

const proof = (group: string, name: string, script: string, more: Partial<Proof> = {}): Proof => ({
  ...{ group, name, script },
  ...more,
});
const same = { onlySame: true };
const asked = { onlyAsked: true };

/** A connection as NetworkManager's own program understands it; the file's owner and mode, without which it is not read. */
const connection = (name: string): string =>
  `cd /etc/NetworkManager/system-connections; stat -c '%a %u:%g' '${name}.nmconnection'; nmcli --offline connection modify connection.autoconnect yes < '${name}.nmconnection' | grep -v '^uuid='`;

const cups = (script: string): string => `${WITH_CUPS}\n${script}\n${END_CUPS}`;

const SINCE = `sed -E 's/(since|seit) .*//; s/ - .*(2[0-9]{3}).*//'`;

export const MACHINE: readonly Proof[] = [
  proof(
    'hostname',
    'name',
    `cat /etc/hostname; hostname -F /etc/hostname --version >/dev/null; getent hosts lab-desk`,
    same,
  ),
  proof('hostname', 'other-names', 'getent hosts printserver metal'),
  ...['Anywhere', 'Lab WLAN', 'Bridge'].map((name) => proof('network', `connection-${name}`, connection(name))),
  proof('network', 'connection-Office', connection('Office'), same),
  proof('network', 'NetworkManager-settings', 'NetworkManager --print-config | grep -v "^#"'),
  proof('network', 'ifupdown', 'ifquery --list; ifquery lab0'),
  proof('network', 'networkd', 'cat /etc/systemd/network/50-wired.network'),
  proof('network', 'netplan', `netplan get; stat -c '%a %u:%g' /etc/netplan/60-lab.yaml`),
  proof('environment', 'variables', `su - bob -c 'echo $LAB_HOME $LAB_PROFILE $LANG $LC_MESSAGES'`),
  proof('environment', 'locale-settings', 'cat /etc/default/locale; grep -v "^#" /etc/locale.gen'),
  proof('environment', 'time-zone', `date -d @0 +'%Z %H:%M'; readlink /etc/localtime`),
  proof('environment', 'time-zone-file', 'cat /etc/timezone', { differs: true }),
  proof('environment', 'skeleton', 'cat /etc/skel/.bash_aliases /etc/sysctl.d/90-lab.conf'),
  proof(
    'filesystems',
    'shares',
    `findmnt --fstab --noheadings --raw -o SOURCE,TARGET,FSTYPE,OPTIONS -t nfs,tmpfs | sed 's/,nofail$//'`,
  ),
  proof('ttys', 'keyboard', `. /etc/default/keyboard; echo $XKBLAYOUT $XKBVARIANT`),
  proof('ttys', 'serial', 'systemctl is-enabled serial-getty@ttyS0.service'),
  proof('ttys', 'logind', 'systemd-analyze cat-config systemd/logind.conf | grep -vE "^(#|$)"'),
  proof('ttys', 'devices', 'cat /etc/udev/rules.d/70-scope.rules'),
  proof(
    '/usr/local',
    'files',
    `cd /usr/local && find . -path ./share/ca-certificates -prune -o -path ./lib/python3.11 -prune -o -path ./flexlm -prune -o -printf '%p %y %m %U:%G %s %l\\n' | grep -E 'lab' | LC_ALL=C sort; lab-report; stat -c %y share/lab`,
  ),
  proof('schedules', 'crontab-ann', 'crontab -u ann -l; stat -c "%a %U:%G" /var/spool/cron/crontabs/ann'),
  proof('schedules', 'crontab-bob', 'crontab -u bob -l'),
  proof('schedules', 'crontab-root', 'crontab -u root -l'),
  proof('schedules', 'cron.d', 'cat /etc/cron.d/lab; stat -c "%a %U:%G" /etc/cron.d/lab'),
  proof('schedules', 'cron.weekly', 'run-parts --test /etc/cron.weekly | grep lab'),
  proof(
    'schedules',
    'timer',
    'systemctl is-enabled lab-sync.timer; cat /etc/systemd/system/lab-sync.timer /etc/systemd/system/lab-sync.service',
  ),
  proof('schedules', 'lingering', 'ls /var/lib/systemd/linger'),
  proof('services', 'unit', 'systemctl is-enabled labd.service; cat /etc/systemd/system/labd.service'),
  proof('services', 'disabled', 'systemctl is-enabled ssh.service'),
  proof('services', 'masked', 'systemctl is-enabled apt-daily.timer'),
  proof('services', 'default-target', 'systemctl get-default'),
  proof('services', 'drop-in', 'cat /etc/systemd/system/cron.service.d/nice.conf'),
  proof('security', 'sudoers', `visudo -c && sudo -l -U bob | grep -A9 'may run' | sed 's/ on .*:/:/'`, asked),
  proof('security', 'polkit', 'cat /etc/polkit-1/rules.d/50-lab.rules', asked),
  proof(
    'security',
    'sshd',
    `mkdir -p /run/sshd; sshd -T -C user=ann,host=x,addr=1.2.3.4 | grep -iE '^(allowusers|passwordauthentication)'`,
    asked,
  ),
  proof('security', 'firewall', 'grep ENABLED /etc/ufw/ufw.conf', asked),
  proof(
    'printers',
    'queues',
    cups(`lpstat -p -d -v -a -c 2>&1 | ${SINCE} | grep -v '^\\s*\\(toner is out\\|reason unknown\\)'`),
  ),
  proof(
    'printers',
    'queue-options',
    cups(
      `lpoptions -p laser -l | grep -E '^PageSize'; lpstat -l -p laser | grep -E 'Description|Location|allowed|ann|bob|Users' `,
    ),
  ),
  proof(
    'printers',
    'queue-facts',
    `grep -vE '^(#|UUID|StateTime|StateMessage|ConfigTime|DeviceURI|MakeModel|Type|Printer|<|Attribute marker)' /etc/cups/printers.conf; grep -c druck-geheim /etc/cups/printers.conf; stat -c '%a %U:%G' /etc/cups/printers.conf`,
  ),
  proof('printers', 'options-of-all', 'cat /etc/cups/lpoptions'),
  proof('printers', 'options-of-ann', 'cat /home/ann/.cups/lpoptions'),
  proof('printers', 'drivers', 'cd /etc/cups/ppd && sha1sum *; stat -c "%a %U:%G" *'),
  proof('backup', 'tsm-server', 'cat /opt/tivoli/tsm/client/ba/bin/dsm.sys', same),
  proof('backup', 'tsm', 'cd /opt/tivoli/tsm/client/ba/bin && cat dsm.opt inclexcl.lab; grep -v NODename dsm.sys'),
  proof('backup', 'others', 'cat /etc/restic/excludes.txt /etc/borgmatic/config.yaml'),
  proof(
    'licences',
    'of-servers',
    'cat /usr/local/flexlm/licenses/license.dat /home/ann/.matlab/R2024a_licenses/license.lic; su - bob -c "echo \\$LM_LICENSE_FILE"',
  ),
  proof('display', 'xorg', 'cat /etc/X11/xorg.conf.d/10-monitor.conf'),
];
