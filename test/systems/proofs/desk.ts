import { DCONF_DUMP, SHOW_KEPT } from '../lived-in/desk.ts';
import type { Proof } from './proof.ts';

const proof = (group: string, name: string, script: string): Proof => ({ group, name, script });

export const DESK: readonly Proof[] = [
  proof('applications', 'dconf', DCONF_DUMP.concat(' 2>/dev/null')),
  proof('applications', 'browser-keeps-its-word', SHOW_KEPT),
  proof(
    'applications',
    'own-settings',
    `cd /home/ann && cat .config/libreoffice/4/user/registrymodifications.xcu .config/Code/User/settings.json .mozilla/firefox/*/prefs.js .thunderbird/*/prefs.js .gitconfig .vimrc; stat -c '%a %U:%G' .local/share/keyrings/login.keyring`,
  ),
  proof(
    'applications',
    'without-a-rule',
    'cd /home/ann && cat .config/labnotebook/config.ini .local/share/labnotebook/notes.txt',
  ),
  proof('display', 'monitors', 'cat /home/ann/.config/monitors.xml'),
];
