/** Who is there, by whose password: of a system that is lived in. Letters beyond ASCII and blanks are meant. */
export const PASSWORDS: Readonly<Record<string, string>> = {
  ann: 'Grüße aus Köln 4711',
  bob: "b0b's pass: word",
  dora: 'dora-dora-dora',
  eve: '$6$not$ahash',
  'fritz-lab': 'x'.repeat(72),
};

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Six people, one of them without a password, groups with members and administrators, ageing, and a home elsewhere. */
export const PEOPLE = `
groupadd -g 2001 lab
groupadd -g 2002 printing
useradd -m -u 1000 -s /bin/bash -c 'Ann Ångström,Room 5,+49 221 4711' -G lab,sudo,lpadmin,cdrom,audio ann
useradd -m -u 1001 -s /bin/bash -c 'Bob' -G lab,printing bob
useradd -m -u 1002 -s /bin/sh -c 'Cid, who left' cid
useradd -m -u 1003 -s /bin/bash -d /srv/people/dora -c 'Dora' -g lab dora 2>/dev/null || { mkdir -p /srv/people; useradd -m -u 1003 -s /bin/bash -d /srv/people/dora -c 'Dora' -g lab dora; }
useradd -m -u 1500 -s /bin/bash -c 'Eve' -G printing eve
useradd -m -u 1600 -s /bin/bash -c 'Fritz' -G lab fritz-lab
${Object.entries(PASSWORDS)
  .map(([name, password]) => `printf '%s\\n' ${quoted(`${name}:${password}`)} | chpasswd`)
  .join('\n')}
usermod -L cid
gpasswd -A ann lab
gpasswd -M bob,eve printing
chage -M 90 -W 14 bob
chage -E 2031-01-31 dora
chage -d 2026-01-15 ann
usermod --add-subuids 700000-765535 --add-subgids 700000-765535 eve
`;

/** Homes with what file systems can hold, and mail spools. */
export const HOMES = `
umask 022
cd /home/ann
echo 'export LAB_EDITOR=ed' >> .bashrc
mkdir -p Documents 'Grüße aus Köln' .ssh .gnupg shared
echo 'Dear Bob' > Documents/letter.txt
printf 'x' > "$(printf 'line\\nbreak')"
printf 'x' > "$(printf 'bad-\\377\\376-bytes')"
echo dash > ./-rf
echo secret > .ssh/id_ed25519; chmod 600 .ssh/id_ed25519; chmod 700 .ssh .gnupg
printf 'Host lab\\n  HostName lab.example\\n  User ann\\n' > .ssh/config
ln Documents/letter.txt Documents/the-same-letter.txt
ln -s Documents/letter.txt letter
ln -s /nowhere/at/all dangling
truncate -s 40M sparse.img; printf end >> sparse.img
mkfifo pipe
echo bobs > shared/from-bob.txt
setfacl -m u:bob:rw,g:printing:r shared/from-bob.txt
setfacl -d -m g:lab:rwX shared
setfattr -n user.origin -v 'https://lab.example/1' Documents/letter.txt
chmod 2770 shared
chown -R ann:ann /home/ann; chgrp lab shared; chown bob:lab shared/from-bob.txt
touch -d '2001-02-03 04:05:06.123456789' Documents/letter.txt; touch -d '1999-12-31 23:59:59.5' Documents
chmod 0711 /home/ann
for who in bob cid eve fritz-lab; do echo "notes of $who" > /home/$who/notes.txt; chown "$who:$who" /home/$who/notes.txt; done
setfacl -m u:ann:rw /home/bob/notes.txt
echo 'notes of dora' > /srv/people/dora/notes.txt; chown dora:lab /srv/people/dora/notes.txt; chmod 0750 /srv/people/dora
printf 'From bob Thu Jan  1 00:00:00 2026\\nSubject: tea\\n\\nAt four.\\n\\n' > /var/mail/ann; chown ann:mail /var/mail/ann; chmod 660 /var/mail/ann
`;
