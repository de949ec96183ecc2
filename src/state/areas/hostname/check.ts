import type { CheckItem, Verdict } from '../base/check-item.ts';
import { type ConfigFile, contentOf, hasContentOf } from '../base/config-file.ts';
import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import { fingerprintOf } from './host-keys.ts';
import { HostsFile } from './hosts-file.ts';
import { compareHosts, groupsOf } from './hosts-plan.ts';
import { domainOf, fqdnOf, hostnameOf } from './own-name.ts';
import { type HostnameContent, keyNameOf } from './schema.ts';

type Judged = readonly [verdict: Verdict, observed: string, remedy?: string];

export function checkHostname(content: HostnameContent, system: System, about: RestoreAbout): CheckItem[] {
  return [
    ...nameItems(content, system, about),
    ...ownFileItems(content, system, about),
    ...hostsItems(content, system),
    ...keyItems(content, system, about),
    item('machine-id:machine-id', 'Machine id', 'its own', '/etc/machine-id', [
      'skipped',
      'not carried: each installation makes its own',
    ]),
  ];
}

function item(
  id: string,
  title: string,
  expected: string,
  evidence: string,
  [verdict, observed, remedy]: Judged,
): CheckItem {
  return {
    id,
    group: 'hostname',
    title,
    expected,
    observed,
    verdict,
    evidence,
    ...(remedy !== undefined && { remedy }),
  };
}

function nameItems({ hostname, fqdn }: HostnameContent, system: System, { identity }: RestoreAbout): CheckItem[] {
  if (hostname === undefined) return [];
  const here = hostnameOf(system);
  const name = item(
    'hostname:name',
    'Host name',
    hostname,
    '/etc/hostname',
    judgeName(hostname, here, system, identity),
  );
  const domain = domainOf(fqdn);
  if (domain === '') return [name];
  const observed = domainOf(fqdnOf(system, here));
  const verdict = observed === domain ? 'same' : identity === 'new' ? 'changed' : 'failed';
  const judged: Judged = [
    verdict,
    observed || 'no domain',
    `write the full name beside ${here ?? hostname} in /etc/hosts`,
  ];
  return [
    name,
    item('hostname:domain', 'Domain', domain, '/etc/hosts', verdict === 'same' ? [verdict, observed] : judged),
  ];
}

function judgeName(
  hostname: string,
  here: string | undefined,
  system: System,
  identity: RestoreAbout['identity'],
): Judged {
  const remedy = `hostnamectl set-hostname ${hostname}`;
  if (here !== hostname) {
    if (identity === 'new') return ['changed', here ?? 'no name', `${remedy}, once the old machine is gone`];
    return ['failed', here ?? 'no name', remedy];
  }
  const now = system.isLive ? system.text('/proc/sys/kernel/hostname')?.trim() : undefined;
  if (now !== undefined && now !== '' && now !== hostname) return ['failed', `${here}, but it runs as ${now}`, remedy];
  return ['same', here];
}

function ownFileItems(
  { mailname, machineInfo }: HostnameContent,
  system: System,
  { identity }: RestoreAbout,
): CheckItem[] {
  const items: CheckItem[] = [];
  const judge = (path: string, text: string): Judged => {
    const here = system.text(path);
    if (here?.trim() === text.trim()) return ['same', 'it is there'];
    if (identity === 'new') return ['changed', here === undefined ? 'there is none' : 'this machine’s own'];
    return [
      'failed',
      here === undefined ? 'it is not there' : 'something else',
      `restore the area hostname again, or write ${path}`,
    ];
  };
  if (mailname !== undefined) {
    items.push(item('mailname:mailname', 'Mail name', mailname, '/etc/mailname', judge('/etc/mailname', mailname)));
  }
  if (machineInfo !== undefined) {
    const title = 'Name for people, and kind of machine';
    const expected = /^PRETTY_HOSTNAME=(.*)$/m.exec(machineInfo)?.[1] ?? '/etc/machine-info as captured';
    items.push(
      item(
        'machine-info:machine-info',
        title,
        expected.slice(0, 200),
        '/etc/machine-info',
        judge('/etc/machine-info', machineInfo),
      ),
    );
  }
  return items;
}

function hostsItems(content: HostnameContent, system: System): CheckItem[] {
  const file = HostsFile.parse(system.text('/etc/hosts') ?? '');
  return groupsOf(content).map((group) => {
    const { missing, elsewhere } = compareHosts(group, content, file);
    const names = (list: readonly string[]): string => list.slice(0, 5).join(', ');
    const lacking = names(missing.flatMap(({ hostnames }) => hostnames));
    const judged: Judged =
      missing.length > 0
        ? ['failed', `missing: ${lacking}`, `add ${lacking} to /etc/hosts`]
        : elsewhere.length > 0
          ? ['person', `another address for ${names(elsewhere)}`, `see which address of ${names(elsewhere)} is right`]
          : ['same', 'in /etc/hosts'];
    return item(group.id, group.title, 'in /etc/hosts', '/etc/hosts', judged);
  });
}

function keyItems({ hostKeys }: HostnameContent, system: System, { identity }: RestoreAbout): CheckItem[] {
  return [...Map.groupBy(hostKeys, ({ path }) => keyNameOf(path))].map(([name, files]) => {
    const fingerprint = files.map(publicFingerprint).find((one) => one !== undefined) ?? 'the captured key';
    return item(
      `ssh-host-key:${name}`,
      `ssh host key ${name}`,
      fingerprint,
      `/etc/ssh/${name}`,
      judgeKey(name, files, system, identity),
    );
  });
}

const publicFingerprint = (file: ConfigFile): string | undefined =>
  file.path.endsWith('_key.pub') ? fingerprintOf(contentOf(file).toString('utf8')) : undefined;

function judgeKey(
  name: string,
  files: readonly ConfigFile[],
  system: System,
  identity: RestoreAbout['identity'],
): Judged {
  const observed = fingerprintOf(system.text(`/etc/ssh/${name}.pub`) ?? '') ?? 'no such key';
  const remedy = 'restore the area hostname again with --allow-privileged';
  if (files.every((file) => hasContentOf(system, file))) {
    const open = (system.facts(`/etc/ssh/${name}`)?.mode ?? 0) & 0o077;
    // A group that may read it is how some distributions have it; then it was so at the source.
    const wasOpen = files.some(({ path, mode }) => path === `/etc/ssh/${name}` && (mode & 0o077) !== 0);
    return open && !wasOpen ? ['failed', 'others may read it', `chmod 600 /etc/ssh/${name}`] : ['same', observed];
  }
  if (identity === 'new') return ['skipped', 'not carried: another machine never gets it'];
  if (files.some(({ path }) => system.isUnreadable(path))) return ['skipped', 'it cannot be read; run as root'];
  return ['failed', observed, remedy];
}
