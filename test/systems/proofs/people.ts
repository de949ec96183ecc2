import { PASSWORDS } from '../lived-in/people.ts';
import type { Proof } from './proof.ts';

const NAMES = ['ann', 'bob', 'cid', 'dora', 'eve', 'fritz-lab'];
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const proof = (group: string, name: string, script: string): Proof => ({ group, name, script });

/** As nobody in particular, who has to know the password. */
export const logIn = (name: string, password: string): string =>
  `printf '%s\\n' ${quoted(password)} | setpriv --reuid=65534 --regid=65534 --clear-groups su ${name} -c 'id -un; pwd' 2>&1 | sed 's/^Password: *//'`;

export const PEOPLE_PROOFS: readonly Proof[] = [
  ...NAMES.map((name) => proof('accounts', `passwd-${name}`, `getent passwd ${name}`)),
  ...NAMES.map((name) =>
    proof('accounts', `groups-${name}`, `id -u ${name}; id -gn ${name}; id -Gn ${name} | tr ' ' '\\n' | sort`),
  ),
  ...['lab', 'printing'].map((name) => proof('accounts', `group-${name}`, `getent group ${name}`)),
  proof('accounts', 'group-administrators', 'getent gshadow lab'),
  proof('accounts', 'ageing', `for who in bob dora ann; do chage -l $who; done`),
  proof('accounts', 'subordinate-ids', `grep -E '^(eve|ann):' /etc/subuid /etc/subgid`),
  ...Object.entries(PASSWORDS).map(([name, password]) => proof('passwords', `password-${name}`, logIn(name, password))),
  proof('passwords', 'locked', `getent shadow cid; ${logIn('cid', 'x')}`),
  proof(
    'home',
    'files',
    `cd /home/ann && find . -path ./.config/chromium -prune -o -path ./.cache -prune -o -printf '%p %y %m %U:%G %s %T@ %l\\n' | LC_ALL=C sort`,
  ),
  proof(
    'home',
    'contents',
    `cd /home && find . /srv/people -path '*/.config/chromium' -prune -o -path '*/.cache' -prune -o -type f -exec sha1sum {} + | LC_ALL=C sort`,
  ),
  proof(
    'home',
    'others',
    `cd /home && find bob cid eve fritz-lab /srv/people/dora -printf '%p %y %m %U:%G %s %T@\\n' | LC_ALL=C sort`,
  ),
  proof('home', 'acls', `cd /home/ann && getfacl -R -p shared; getfattr -d -m user. Documents/letter.txt`),
  proof(
    'home',
    'hard-links',
    `cd /home/ann/Documents && [ letter.txt -ef the-same-letter.txt ] && stat -c %h letter.txt`,
  ),
  proof('home', 'mail', `ls -ln /var/mail/ann; cat /var/mail/ann`),
];
