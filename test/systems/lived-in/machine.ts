/** Settings of the machine itself, each made by its own program where there is one that works without a running system. */
export const NAME = `
echo lab-desk > /etc/hostname
printf '127.0.0.1\\tlocalhost\\n127.0.1.1\\tlab-desk.lab.example lab-desk\\n10.9.8.7\\tprintserver.lab.example printserver\\n10.9.8.6\\tmetal\\n' > /etc/hosts
echo lab.example > /etc/mailname
`;

export const NETWORK = `
cd /etc/NetworkManager/system-connections
nmcli --offline connection add type ethernet con-name Office ifname enp3s0 ipv4.method manual ipv4.addresses 192.168.7.20/24 ipv4.gateway 192.168.7.1 ipv4.dns 192.168.7.2 > Office.nmconnection
nmcli --offline connection add type ethernet con-name Anywhere ipv4.dns-search lab.example > Anywhere.nmconnection
nmcli --offline connection add type wifi con-name 'Lab WLAN' ssid 'Lab WLAN' wifi-sec.key-mgmt wpa-psk wifi-sec.psk 'geheim;wort=1' > 'Lab WLAN.nmconnection'
nmcli --offline connection add type bridge con-name Bridge ifname br0 > Bridge.nmconnection
chmod 600 *.nmconnection
printf '[main]\\ndns=default\\n[connection]\\nipv6.ip6-privacy=2\\n' > /etc/NetworkManager/conf.d/10-lab.conf
printf 'auto lab0\\niface lab0 inet dhcp\\n' > /etc/network/interfaces.d/lab
printf '[Match]\\nName=en*\\n[Network]\\nDHCP=yes\\n' > /etc/systemd/network/50-wired.network
printf 'network:\\n  version: 2\\n  ethernets:\\n    spare:\\n      match: {name: "enx*"}\\n      dhcp4: true\\n' > /etc/netplan/60-lab.yaml; chmod 600 /etc/netplan/60-lab.yaml
`;

export const ENVIRONMENT = `
echo 'LAB_HOME="/opt/lab"' >> /etc/environment
printf 'export LAB_PROFILE=read\\n' > /etc/profile.d/lab.sh
sed -i 's/^# *\\(de_DE.UTF-8 UTF-8\\)/\\1/' /etc/locale.gen
locale-gen >/dev/null
update-locale LANG=de_DE.UTF-8 LC_MESSAGES=C.UTF-8
ln -sf /usr/share/zoneinfo/Asia/Tokyo /etc/localtime
echo Asia/Tokyo > /etc/timezone
printf 'kernel.sysrq = 1\\n' > /etc/sysctl.d/90-lab.conf
echo 'alias lab=true' > /etc/skel/.bash_aliases
`;

export const FILESYSTEMS = `
mkdir -p /mnt/lab /mnt/scratch
[ -e /etc/fstab ] || : > /etc/fstab
printf 'UUID=0aa1b2c3-1111-2222-3333-444455556666 / ext4 errors=remount-ro 0 1\\n' >> /etc/fstab
printf 'server.lab.example:/export/lab /mnt/lab nfs noauto,x-systemd.automount,nosuid,nodev 0 0\\n' >> /etc/fstab
printf 'tmpfs /mnt/scratch tmpfs size=64m,nosuid,nodev 0 0\\n' >> /etc/fstab
printf 'UUID=1bb1b2c3-1111-2222-3333-444455556666 /srv/data ext4 nofail 0 2\\n' >> /etc/fstab
`;

export const TTYS = `
sed -i 's/^XKBLAYOUT=.*/XKBLAYOUT="de"/; s/^XKBVARIANT=.*/XKBVARIANT="nodeadkeys"/' /etc/default/keyboard
systemctl enable serial-getty@ttyS0.service 2>/dev/null
mkdir -p /etc/systemd/logind.conf.d /etc/udev/rules.d
printf '[Login]\\nHandleLidSwitch=ignore\\nNAutoVTs=4\\n' > /etc/systemd/logind.conf.d/lab.conf
printf 'SUBSYSTEM=="tty", ATTRS{idVendor}=="0403", SYMLINK+="scope"\\n' > /etc/udev/rules.d/70-scope.rules
`;

export const SCHEDULES = `
printf 'MAILTO=ann\\n# tea\\n0 16 * * 1-5 /usr/bin/env tea\\n' | crontab -u ann -
printf '*/10 * * * * test -e "$HOME/notes.txt"\\n' | crontab -u bob -
printf '@daily true\\n' | crontab -u root -
printf 'PATH=/usr/bin:/bin\\n17 3 * * * bob /usr/local/bin/lab-report\\n' > /etc/cron.d/lab
printf '#!/bin/sh\\nexit 0\\n' > /etc/cron.weekly/lab-weekly; chmod 755 /etc/cron.weekly/lab-weekly
printf '[Unit]\\nDescription=Lab sync\\n[Service]\\nType=oneshot\\nUser=bob\\nExecStart=/usr/local/bin/lab-report\\n' > /etc/systemd/system/lab-sync.service
printf '[Timer]\\nOnCalendar=hourly\\n[Install]\\nWantedBy=timers.target\\n' > /etc/systemd/system/lab-sync.timer
systemctl enable lab-sync.timer 2>/dev/null
mkdir -p /var/lib/systemd/linger; touch /var/lib/systemd/linger/ann
`;

export const SERVICES = `
printf '[Unit]\\nDescription=Lab daemon\\n[Service]\\nExecStart=/usr/local/sbin/labd\\nUser=eve\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/labd.service
systemctl enable labd.service 2>/dev/null
systemctl disable ssh.service 2>/dev/null
systemctl mask apt-daily.timer 2>/dev/null
systemctl set-default multi-user.target 2>/dev/null
mkdir -p /etc/systemd/system/cron.service.d
printf '[Service]\\nNice=5\\n' > /etc/systemd/system/cron.service.d/nice.conf
`;

export const SECURITY = `
printf '%%lab ALL=(root) NOPASSWD: /usr/bin/true\\nann ALL=(ALL) ALL\\n' > /etc/sudoers.d/lab; chmod 440 /etc/sudoers.d/lab
mkdir -p /etc/polkit-1/rules.d /usr/local/share/ca-certificates
printf 'polkit.addRule(function(action, subject) {\\n  if (subject.isInGroup("lab")) return polkit.Result.YES;\\n});\\n' > /etc/polkit-1/rules.d/50-lab.rules
printf 'PasswordAuthentication no\\nAllowUsers ann bob\\n' > /etc/ssh/sshd_config.d/lab.conf
sed -i 's/^ENABLED=.*/ENABLED=yes/' /etc/ufw/ufw.conf
`;

export const USR_LOCAL = `
mkdir -p /usr/local/share/lab /usr/local/lib/lab
printf '#!/bin/sh\\necho report of the lab\\n' > /usr/local/bin/lab-report; chmod 755 /usr/local/bin/lab-report
printf '#!/bin/sh\\nexec sleep 1\\n' > /usr/local/sbin/labd; chmod 755 /usr/local/sbin/labd
cp /usr/bin/id /usr/local/bin/lab-id; chown root:lab /usr/local/bin/lab-id; chmod 2755 /usr/local/bin/lab-id
echo data > /usr/local/share/lab/data.txt; chown bob:lab /usr/local/share/lab/data.txt
ln -s ../lib/lab /usr/local/share/lab/lib
touch -d '2011-11-11 11:11:11' /usr/local/share/lab
`;

export const BACKUPS = `
mkdir -p /opt/tivoli/tsm/client/ba/bin /etc/restic /etc/borgmatic
printf 'SErvername lab\\n  COMMMethod TCPip\\n  TCPServeraddress tsm.lab.example\\n  NODename lab-desk\\n  INCLExcl /opt/tivoli/tsm/client/ba/bin/inclexcl.lab\\n' > /opt/tivoli/tsm/client/ba/bin/dsm.sys
printf 'SErvername lab\\nDOMain /home /srv\\n' > /opt/tivoli/tsm/client/ba/bin/dsm.opt
printf 'exclude /home/*/.cache/.../*\\ninclude /home/.../*\\nexclude.dir /home/ann/scratch\\n' > /opt/tivoli/tsm/client/ba/bin/inclexcl.lab
printf '/home/*/.cache\\n*.iso\\n' > /etc/restic/excludes.txt
printf 'source_directories:\\n    - /home\\n    - /etc\\nexclude_patterns:\\n    - /home/*/.cache\\nrepositories:\\n    - path: ssh://backup.lab.example/./lab\\n' > /etc/borgmatic/config.yaml
`;

export const LICENCES = `
mkdir -p /usr/local/flexlm/licenses /opt/solver /home/ann/.matlab/R2024a_licenses
printf 'SERVER licences.lab.example ANY 27000\\nUSE_SERVER\\n' > /usr/local/flexlm/licenses/license.dat
printf 'FEATURE solver vendor 1.0 31-dec-2030 uncounted HOSTID=001122334455 SIGN=0123456789AB\\n' > /opt/solver/solver.lic
printf 'SERVER licences.lab.example ANY 27000\\nUSE_SERVER\\n' > /home/ann/.matlab/R2024a_licenses/license.lic
echo 'export LM_LICENSE_FILE=27000@licences.lab.example' > /etc/profile.d/licences.sh
chown -R ann:ann /home/ann/.matlab
`;
