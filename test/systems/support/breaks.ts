/**
 * Ways to break a restored system, one at least for each group of its checklist that can be looked at without running it.
 * What is gone is red; what is there and is another thing needs a person, who may have wanted it so.
 */
export interface Break {
  readonly group: string;
  readonly what: string;
  /** The item that has to tell of it. */
  readonly item: string;
  readonly verdict: 'failed' | 'person';
  /** Run in the system by its own programs. */
  readonly script: string;
}

const one = (group: string, item: string, what: string, script: string): Break => ({
  ...{ group, item, what, script },
  verdict: 'failed',
});
const other = (...of: Parameters<typeof one>): Break => ({ ...one(...of), verdict: 'person' });

export const BREAKS: readonly Break[] = [
  one('hostname', 'hostname:name', 'another name', 'echo other > /etc/hostname'),
  one('hostname', 'hosts:10.9.8.7', 'a host that is gone', "sed -i '/printserver/d' /etc/hosts"),
  one(
    'networking files',
    'connection:Lab WLAN.nmconnection',
    'a connection that is gone',
    "rm '/etc/NetworkManager/system-connections/Lab WLAN.nmconnection'",
  ),
  one(
    'networking files',
    'connection:Anywhere.nmconnection',
    'a connection that anybody may read, which NetworkManager refuses',
    'chmod 644 /etc/NetworkManager/system-connections/Anywhere.nmconnection',
  ),
  one('home', 'files:ROOT/home/bob', 'a file that is gone', 'rm /home/bob/notes.txt'),
  one('home', 'home:eve', 'a home of another owner', 'chown bob /home/eve'),
  other('passwords', 'password:ann', 'another password', 'echo ann:other | chpasswd'),
  one('passwords', 'password:bob', 'a locked account', 'usermod -L bob'),
  one('accounts', 'user:cid', 'a person who is gone', 'userdel cid'),
  one('accounts', 'group:printing', 'a group of another number', 'groupmod -g 2999 printing'),
  one('filesystems', 'mount:/mnt/lab', 'a share that is gone', "sed -i '/mnt.lab/d' /etc/fstab"),
  one('/usr/local', 'folder:/usr/local', 'a program that is gone', 'rm /usr/local/bin/lab-report'),
  one(
    'ttys',
    'getty:serial-getty@ttyS0',
    'a terminal that is switched off',
    'systemctl disable serial-getty@ttyS0.service',
  ),
  other(
    'ttys',
    'setting:keyboard/XKBLAYOUT',
    'another keyboard',
    "sed -i 's/^XKBLAYOUT=.*/XKBLAYOUT=us/' /etc/default/keyboard",
  ),
  one('remote printers', 'printer:colour', 'a printer that is gone', ': > /etc/cups/printers.conf'),
  other(
    'remote printers',
    'printer:laser',
    'a printer that leads elsewhere',
    "sed -i 's/10.9.8.7:9100/10.9.8.1:9100/' /etc/cups/printers.conf",
  ),
  one('printers', 'class:floor2', 'a class that is gone', ': > /etc/cups/classes.conf'),
  one(
    'backup include/exclude lists',
    'file:/opt/tivoli/tsm/client/ba/bin/inclexcl.lab',
    'a rule that is gone',
    "sed -i '/scratch/d' /opt/tivoli/tsm/client/ba/bin/inclexcl.lab",
  ),
  one('environment', 'timezone:Asia/Tokyo', 'another time zone', 'ln -sf /usr/share/zoneinfo/Etc/UTC /etc/localtime'),
  one('environment', 'variable:LAB_HOME', 'a variable that is gone', "sed -i '/LAB_HOME/d' /etc/environment"),
  one(
    'licences',
    'licence:/usr/local/flexlm/licenses/license.dat',
    'a licence of another server',
    'echo SERVER other ANY > /usr/local/flexlm/licenses/license.dat',
  ),
  one(
    'display',
    'file:/etc/X11/xorg.conf.d/10-monitor.conf',
    'monitor settings that are gone',
    'rm /etc/X11/xorg.conf.d/10-monitor.conf',
  ),
  other(
    'display',
    'file:/etc/X11/xorg.conf.d/10-monitor.conf',
    'another rotation',
    "sed -i 's/left/right/' /etc/X11/xorg.conf.d/10-monitor.conf",
  ),
  one('schedules', 'crontab:bob', 'a crontab that is gone', 'crontab -u bob -r'),
  one('schedules', 'timer:lab-sync.timer', 'a timer that is switched off', 'systemctl disable lab-sync.timer'),
  one('services', 'unit:ssh.service', 'a service that starts', 'systemctl enable ssh.service'),
  one('services', 'default-target', 'another target', 'systemctl set-default graphical.target'),
  one('security', 'sudoers:/etc/sudoers.d/lab', 'a rule of sudo that is gone', 'rm /etc/sudoers.d/lab'),
  one('software', 'source:/etc/apt/sources.list', 'a source that is gone', 'rm /etc/apt/sources.list'),
  one('application information', 'settings:ann', 'settings that are gone', 'rm /home/ann/.config/dconf/user'),
  one(
    'application Chromium',
    'data:chromium:/home/ann/.config/chromium',
    'a profile that is gone',
    'rm -r /home/ann/.config/chromium',
  ),
  one('application Git', 'data:git:/home/ann/.gitconfig', 'settings that are gone', 'rm /home/ann/.gitconfig'),
  one(
    'application LibreOffice',
    'data:libreoffice:/home/ann/.config/libreoffice',
    'settings that are gone',
    'rm -r /home/ann/.config/libreoffice',
  ),
  one('files', 'files:ROOT/var/mail', 'a mail box that is gone', 'rm /var/mail/ann'),
];
