import type { Change } from '../base/change.ts';
import { type ConfigFile, changeOf } from '../base/config-file.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { isKeyText } from './host-keys.ts';
import { HostsFile } from './hosts-file.ts';
import { compareHosts, groupsOf } from './hosts-plan.ts';
import { fqdnOf, hostnameOf } from './own-name.ts';
import { renamedHosts } from './renamed-hosts.ts';
import { type HostnameContent, keyNameOf } from './schema.ts';

export function planHostname(content: HostnameContent, plan: PlanBuilder, about: RestoreAbout): void {
  planName(content, plan, about);
  planRootsOwn(content, plan, about);
  planHosts(content, plan);
  planHostKeys(content, plan, about);
  plan.keep('machine-id:machine-id', 'Machine id', 'each installation makes its own; it is never carried');
}

function planName({ hostname, fqdn }: HostnameContent, plan: PlanBuilder, { identity }: RestoreAbout): void {
  if (hostname === undefined) return;
  const [id, title] = ['hostname:name', 'Host name'];
  const here = hostnameOf(plan.system);
  if (here === hostname && (identity === 'new' || fqdn === undefined || fqdnOf(plan.system, here) === fqdn)) {
    plan.same(id, title);
    return;
  }
  if (identity === 'new') {
    const own = here === undefined ? 'this machine has no name yet' : `this machine keeps its own name ${here}`;
    plan.ask(id, title, `${own}; the old one was ${hostname}`);
    return;
  }
  const hosts = renamedHosts(plan.system.text('/etc/hosts') ?? '', here, hostname, fqdn);
  plan.want({
    id,
    title,
    action: here === undefined ? 'add' : 'replace',
    detail: detailOf(hostname, here, fqdn),
    changes: [
      textFile('/etc/hostname', `${hostname}\n`, plan),
      ...(hosts === undefined ? [] : [textFile('/etc/hosts', hosts, plan)]),
    ],
  });
}

function detailOf(hostname: string, here: string | undefined, fqdn: string | undefined): string {
  if (here === hostname) return `its full name ${fqdn} is written to /etc/hosts`;
  return here === undefined ? `is named ${hostname}` : `is named ${hostname} instead of ${here}`;
}

/** What follows from a machine's identity and is nobody else's. */
function planRootsOwn({ mailname, machineInfo }: HostnameContent, plan: PlanBuilder, { identity }: RestoreAbout): void {
  const files = [
    { id: 'mailname:mailname', title: 'Mail name', path: '/etc/mailname', text: mailname && `${mailname}\n` },
    {
      id: 'machine-info:machine-info',
      title: 'Name for people, and kind of machine',
      path: '/etc/machine-info',
      text: machineInfo,
    },
  ];
  for (const { id, title, path, text } of files) {
    if (text === undefined || text === '') continue;
    if (text.includes('\0')) plan.withhold(id, title, 'it holds a NUL');
    else if (plan.system.text(path)?.trim() === text.trim()) plan.same(id, title);
    else if (identity === 'new') plan.keep(id, title, 'it belongs to the name of the old machine');
    else {
      const action = plan.system.facts(path) ? 'replace' : 'add';
      plan.want({ id, title, action, detail: `is written to ${path}`, changes: [textFile(path, text, plan)] });
    }
  }
}

function planHosts(content: HostnameContent, plan: PlanBuilder): void {
  for (const group of groupsOf(content)) {
    const { id, title } = group;
    const file = HostsFile.parse(plan.system.text('/etc/hosts') ?? '');
    const { missing, elsewhere } = compareHosts(group, content, file);
    if (missing.length === 0 && elsewhere.length === 0) plan.same(id, title);
    else if (missing.length === 0) plan.keep(id, title, `${elsewhere.slice(0, 5).join(', ')} has another address here`);
    else {
      const kept =
        elsewhere.length > 0 ? `; ${elsewhere.slice(0, 5).join(', ')} keeps the address that it has here` : '';
      plan.want({
        id,
        title,
        action: 'merge',
        detail: `${missing.length} line${missing.length === 1 ? '' : 's'} added to /etc/hosts${kept}`,
        effect: 'name-resolution',
        changes: [textFile('/etc/hosts', file.with(missing), plan)],
      });
    }
  }
}

function planHostKeys({ hostKeys }: HostnameContent, plan: PlanBuilder, { identity, owners }: RestoreAbout): void {
  for (const [name, files] of Map.groupBy(hostKeys, ({ path }) => keyNameOf(path))) {
    const [id, title] = [`ssh-host-key:${name}`, `ssh host key ${name}`];
    const wrong = files.find((file) => !isKeyText(file));
    if (identity === 'new') plan.keep(id, title, 'another machine never gets it: this one has its own');
    else if (wrong) plan.withhold(id, title, `${wrong.path} is no key`, 'root-file');
    else {
      const action = files.some(({ path }) => plan.system.facts(path)) ? 'replace' : 'add';
      const changes = files.map((file) => keyChange(file, owners));
      plan.want({
        id,
        title,
        action,
        detail: 'so that people’s ssh knows this machine again',
        effect: 'root-file',
        changes,
      });
    }
  }
}

function keyChange(file: ConfigFile, owners: RestoreAbout['owners']): Change {
  const change = changeOf(file, owners);
  const mode = file.path.endsWith('.pub') ? 0o644 : 0o600;
  return change.kind === 'file' ? { ...change, mode, uid: 0, gid: 0 } : change;
}

/** A text file of root's: what is there keeps its mode. */
function textFile(path: string, text: string, { system }: PlanBuilder): Change {
  const facts = system.facts(path);
  const mode = facts?.kind === 'file' ? facts.mode : 0o644;
  return { kind: 'file', path, content: Buffer.from(text, 'utf8'), mode, uid: 0, gid: 0 };
}
