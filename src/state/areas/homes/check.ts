import { readPasswd } from '../accounts/account-lines.ts';
import type { CheckItem } from '../base/check-item.ts';
import { isRemote } from '../base/mounts.ts';
import type { System } from '../base/system.ts';
import type { Owners, RestoreAbout } from '../base/types.ts';
import type { Home, HomesContent } from './schema.ts';

type Judged = Pick<CheckItem, 'observed' | 'verdict' | 'remedy'>;

/** Each home under `home`: there, its owner's, with its mode, and where its account looks for it. */
export function checkHomes({ homes }: HomesContent, system: System, { owners }: RestoreAbout): readonly CheckItem[] {
  const accounts = new Map(readPasswd(system).entries.map(({ name, home }) => [name, home]));
  return homes.flatMap((home): CheckItem[] => {
    const name = owners.user(home.username);
    const item: CheckItem = {
      id: `home:${home.username}`,
      group: 'home',
      title: `home of ${name}`,
      expected: described(home.directory, home),
      evidence: `the folder ${owners.home(home.directory)}, and the line ${name} of /etc/passwd`,
      ...judge(home, name, accounts.get(name), owners, system),
    };
    return home.mail ? [item, checkMail(home, home.mail, name, owners, system)] : [item];
  });
}

const described = (path: string, { uid, gid, mode }: { uid: number; gid: number; mode: number }) =>
  `${path}, of ${uid}:${gid}, mode ${mode.toString(8).padStart(4, '0')}`;

function judge(home: Home, name: string, field: string | undefined, owners: Owners, system: System): Judged {
  const to = owners.home(home.directory);
  const at = system.facts(to)?.kind === 'link' ? owners.home(home.link ?? home.directory) : to;
  const facts = system.facts(at);
  if (facts?.kind !== 'folder') {
    const isServers = home.mount !== undefined && isRemote(home.mount);
    if (isServers)
      return { observed: 'not there', verdict: 'person', remedy: `mount ${home.mount?.device} at ${home.mount?.path}` };
    return { observed: 'not there', verdict: 'failed', remedy: `restore the area homes again: ${to} is missing` };
  }
  const observed = described(at, facts);
  const failed = (remedy: string): Judged => ({ observed, verdict: 'failed', remedy });
  if (field === undefined) return failed(`there is no user ${name}: restore the area accounts, or add it`);
  if (field !== to)
    return { ...failed(`usermod -d ${to} ${name}`), observed: `${observed}; its account looks in ${field}` };
  const [uid, gid] = [owners.uid(home.uid), owners.gid(home.gid)];
  if (facts.uid !== uid || facts.gid !== gid) return failed(`chown ${uid}:${gid} ${at}`);
  if (facts.mode !== home.mode) return failed(`chmod ${home.mode.toString(8)} ${at}`);
  const isSame = to === home.directory && facts.uid === home.uid && facts.gid === home.gid;
  return { observed, verdict: isSame ? 'same' : 'changed' };
}

function checkMail({ username, uid }: Home, mail: string, name: string, owners: Owners, system: System): CheckItem {
  const path = owners.home(mail);
  const facts = system.facts(path);
  const isRight = facts?.uid === owners.uid(uid);
  return {
    id: `mail:${username}`,
    group: 'home',
    title: `mail of ${name}`,
    expected: `unread mail in ${mail}`,
    observed: facts ? `there, of the id ${facts.uid}` : 'not there',
    verdict: isRight ? (path === mail && facts.uid === uid ? 'same' : 'changed') : 'failed',
    evidence: `the file ${path}`,
    ...(!isRight && { remedy: facts ? `chown ${owners.uid(uid)} ${path}` : 'restore the area homes again' }),
  };
}
