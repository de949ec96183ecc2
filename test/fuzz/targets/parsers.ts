/** Every parser of a system's files by itself, with what must hold of it: an edit keeps what it is not about. */

import { mappingOf } from '../../../src/cli/commands/restore.ts';
import { wordsOf as cliWords } from '../../../src/cli/words.ts';
import { readDigests } from '../../../src/node/hardware/digests.ts';
import {
  parseGroup,
  parseGshadow,
  parsePasswd,
  parseRanges,
  parseShadow,
} from '../../../src/state/areas/accounts/account-lines.ts';
import { hasName, withoutNames } from '../../../src/state/areas/backup-rules/adapted.ts';
import {
  backInTimeRules,
  borgmaticRules,
  listRules,
  parseTsm,
  rsnapshotRules,
  timeshiftRules,
  tsmRules,
  writeTsm,
} from '../../../src/state/areas/backup-rules/rules.ts';
import { assign, readAssignments, unquoted } from '../../../src/state/areas/base/assignments.ts';
import type { ConfigFile } from '../../../src/state/areas/base/config-file.ts';
import { mapHomes } from '../../../src/state/areas/base/home-paths.ts';
import { OWNERS_AS_CAPTURED } from '../../../src/state/areas/base/owners-as-captured.ts';
import { oneLine } from '../../../src/state/areas/checklist/one-line.ts';
import { readEdid } from '../../../src/state/areas/display/edid.ts';
import { addToKeyFile, readKeyFile, valueIn } from '../../../src/state/areas/display/key-file.ts';
import { readKscreen, readKwin } from '../../../src/state/areas/display/kscreen.ts';
import { readMonitorsXml } from '../../../src/state/areas/display/monitors-xml.ts';
import { monitor } from '../../../src/state/areas/display/schema.ts';
import { readXml } from '../../../src/state/areas/display/xml.ts';
import { askForLocale, readLocaleGen } from '../../../src/state/areas/environment/locale-gen.ts';
import { addShell, readShells } from '../../../src/state/areas/environment/shells.ts';
import { parseCrypttab } from '../../../src/state/areas/filesystems/crypttab.ts';
import { fstabLine, isFstabField, parseFstab } from '../../../src/state/areas/filesystems/fstab.ts';
import { HostsFile } from '../../../src/state/areas/hostname/hosts-file.ts';
import { clientServers, renameClientServers } from '../../../src/state/areas/licences/client-settings.ts';
import { flexNetFacts, renameServers } from '../../../src/state/areas/licences/flexnet.ts';
import { jetBrainsFacts } from '../../../src/state/areas/licences/jetbrains.ts';
import { recognise } from '../../../src/state/areas/licences/recognise.ts';
import { renameHosts, rlmFacts } from '../../../src/state/areas/licences/rlm.ts';
import { assignmentsIn } from '../../../src/state/areas/licences/variables.ts';
import { AdapterMap } from '../../../src/state/areas/network/adapter-map.ts';
import { kindOf } from '../../../src/state/areas/network/file-kinds.ts';
import { parseInterfaces } from '../../../src/state/areas/network/ifupdown.ts';
import { KeyLines } from '../../../src/state/areas/network/key-lines.ts';
import { readConfLine, writeConfLine } from '../../../src/state/areas/printers/conf-line.ts';
import { isRemote, redactUri, schemeOf, serialOf } from '../../../src/state/areas/printers/device-uri.ts';
import { readOptions, writeOptionsLine } from '../../../src/state/areas/printers/lpoptions.ts';
import { readPpd } from '../../../src/state/areas/printers/ppd.ts';
import { readQueueFile, writeQueueFile } from '../../../src/state/areas/printers/queue-file.ts';
import { crontabLines, meaningOf, soundCrontab, withUsers } from '../../../src/state/areas/schedules/crontab-lines.ts';
import { judgeCertificate, judgeScript, judgeTables } from '../../../src/state/areas/security/judges.ts';
import { mapLimits, mapPolkit, mapSshd, mapSudoers } from '../../../src/state/areas/security/names-in.ts';
import { listOf, parseUnit, unitProblem, writeUnit } from '../../../src/state/areas/services/unit-file.ts';
import { namesOfShownPath } from '../../../src/state/tools/shown-path.ts';
import { difference } from '../same.ts';
import { type Target, target } from '../target.ts';
import { MemoryMachine } from './machine.ts';
import { FILES } from './machine-files.ts';
import { textOf } from './texts.ts';

const WORDS = [
  'ann',
  'root',
  'constructor',
  '__proto__',
  'toString',
  '\\',
  '"',
  '#',
  '=',
  '\t',
  '/etc/x',
  '0',
  'up',
  'source',
];

/** `from`: a file of the machine, or a text. */
function parser(name: string, from: string, read: (text: string) => unknown, more: Partial<Target> = {}): Target {
  const sample = FILES[from] === undefined ? from : (FILES[from] as string);
  return target({
    ...{ name: `parser-${name}`, shape: 'lines', refusals: [], words: WORDS, weight: 1.5, ...more },
    valid: () => Buffer.from(sample),
    decode: (bytes) => read(textOf(bytes)),
  });
}

function mustBe(what: string, one: unknown, other: unknown): void {
  const differs = difference(one, other);
  if (differs !== undefined) throw new Error(`${what}: ${differs}`);
}

const SAME_NAMES = OWNERS_AS_CAPTURED;
const nobody = (): undefined => undefined;
const ADAPTERS = (['same', 'new'] as const).map(
  (identity) =>
    new AdapterMap(
      identity,
      [{ interface: 'eth0', kind: 'ethernet', mac: '00:11:22:33:44:55' }],
      new MemoryMachine({}),
    ),
);

/** A file of the network as it would be put in place, on the same machine and on another. */
function fitted(path: string) {
  const kind = kindOf(path)!.kind;
  return (text: string): unknown => {
    kind.addressesIn?.(text);
    const file: ConfigFile = { path, mode: 0o600, uid: 0, gid: 0, text };
    return ADAPTERS.map((adapters) => kind.fit(file, text, { owners: SAME_NAMES, adapters }));
  };
}

const FIT_PATHS = [
  '/etc/NetworkManager/system-connections/Lab.nmconnection',
  '/etc/netplan/01-lab.yaml',
  '/etc/systemd/network/10-lab.network',
  '/etc/systemd/network/20-lab.link',
  '/etc/network/interfaces',
  '/etc/wpa_supplicant/lab.conf',
  '/etc/wireguard/wg0.conf',
  '/etc/resolv.conf',
];

const MAPPED: Readonly<Record<string, readonly [path: string, map: (text: string) => string]>> = {
  sudoers: ['/etc/sudoers.d/lab', (text) => mapSudoers(text, SAME_NAMES)],
  sshd: ['/etc/ssh/sshd_config', (text) => mapSshd(text, SAME_NAMES)],
  polkit: ['/etc/polkit-1/rules.d/50-lab.rules', (text) => mapPolkit(text, SAME_NAMES)],
  limits: ['/etc/security/limits.d/audio.conf', (text) => mapLimits(text, SAME_NAMES)],
  homes: ['/etc/cron.d/lab', (text) => mapHomes(text, SAME_NAMES)],
  flexnet: ['/opt/m/licenses/network.lic', (text) => renameServers(text, nobody)],
  rlm: ['/opt/r/rlm.lic', (text) => renameHosts(text, nobody)],
  'licence-servers': ['/etc/profile.d/lab.sh', (text) => renameClientServers(text, nobody)],
};

const inMap = (lines: readonly { name: string }[]): number => lines.length;

export const PARSERS: readonly Target[] = [
  ...FIT_PATHS.map((path) => parser(`network${path.replaceAll(/[^a-z0-9]+/gi, '-')}`, path, fitted(path))),
  ...Object.entries(MAPPED).map(([name, [path, map]]) =>
    parser(`names-${name}`, path, (text) => mustBe('names that stay leave the text', map(text), text)),
  ),
  parser('passwd', '/etc/passwd', (text) => inMap(parsePasswd(text).entries)),
  parser('group', '/etc/group', (text) => inMap(parseGroup(text).entries)),
  parser('shadow', '/etc/shadow', (text) => inMap(parseShadow(text).entries)),
  parser('gshadow', '/etc/gshadow', (text) => inMap(parseGshadow(text).entries)),
  parser('subuid', '/etc/subuid', (text) => inMap(parseRanges(text).entries)),
  parser('fstab', '/etc/fstab', (text) => {
    for (const entry of parseFstab(text).entries) {
      if (![entry.device, entry.path, entry.type, ...entry.options].every(isFstabField)) continue;
      if (
        entry.options.join(',').length > 4000 ||
        /[^\w.,-]/.test(entry.type) ||
        entry.options.some((option) => /^\s|\s$/.test(option))
      )
        continue;
      mustBe('a line of fstab', parseFstab(fstabLine(entry)).entries, [entry]);
    }
  }),
  parser('crypttab', '/etc/crypttab', parseCrypttab),
  parser('hosts', '/etc/hosts', (text) => {
    const file = HostsFile.parse(text);
    mustBe('/etc/hosts without a new line', file.with([]).replace(/\n$/, ''), text.replace(/\n$/, ''));
    mustBe(
      '/etc/hosts with the same names',
      file.rename((name) => name),
      text,
    );
    mustBe('a line of /etc/hosts', HostsFile.parse(HostsFile.parse('').with(file.lines)).lines, file.lines);
  }),
  parser('key-lines', '/etc/systemd/network/10-lab.network', (text) => {
    for (const continues of [true, false]) mustBe('no edit', KeyLines.parse(text, continues).edit(nobody), text);
  }),
  parser('interfaces', '/etc/network/interfaces', (text) =>
    mustBe(
      'its lines',
      parseInterfaces(text)
        .map(({ raw }) => raw)
        .join(''),
      text,
    ),
  ),
  parser('unit', '/etc/systemd/system/x.service', (text) => {
    const unit = parseUnit(text);
    unitProblem('x.service', text);
    listOf(unit, 'Install', 'WantedBy');
    return writeUnit(unit.settings);
  }),
  parser('printers-conf', '/etc/cups/printers.conf', (text) => {
    const { parts, problems } = readQueueFile(text);
    if (problems.length === 0 && !text.includes('\r'))
      mustBe('queues', readQueueFile(writeQueueFile(parts)).parts, parts);
    for (const part of parts) for (const line of typeof part === 'string' ? [part] : part.lines) readConfLine(line);
  }),
  parser('conf-line', 'Info Lab # one', (text) => {
    const line = readConfLine(text);
    if (line && !/[\r\n]/.test(text)) mustBe('a directive', readConfLine(writeConfLine(line)), line);
  }),
  parser('device-uri', 'ipp://ann:pw@printer.example/p?serial=A%20B', (text) => [
    ...[schemeOf(text), isRemote(text), serialOf(text)],
    mustBe('a password is shown', /:pw@/.test(redactUri(text)), false),
  ]),
  parser('ppd', '/etc/cups/ppd/lab.ppd', (text) => readPpd({ path: '/x', mode: 0, uid: 0, gid: 0, text })),
  parser('lpoptions', '/etc/cups/lpoptions', (text) => {
    const options = readOptions(text);
    mustBe('options', readOptions(options.map((one) => `${writeOptionsLine(one)}\n`).join('')), options);
  }),
  parser('assignments', '/etc/environment', (text) => {
    for (const one of readAssignments(text)) {
      unquoted(one.value);
      const held = readAssignments(assign(text, one)).find(({ name }) => name === one.name);
      if (!/[\n\r]/.test(one.value)) mustBe('an assignment', held?.value, one.value);
    }
  }),
  parser('key-file', '/var/lib/AccountsService/users/ann', (text) => {
    readKeyFile(text);
    const added = addToKeyFile(text, { section: 'User', key: 'Zz', value: 'v' });
    mustBe('what was added', valueIn(readKeyFile(added), 'User', 'Zz'), 'v');
  }),
  parser('locale-gen', '/etc/locale.gen', (text) => {
    readLocaleGen(text);
    mustBe('the locale', readLocaleGen(askForLocale(text, 'fr_FR.UTF-8 UTF-8')).includes('fr_FR.UTF-8 UTF-8'), true);
  }),
  parser('shells', '/etc/shells', (text) => {
    mustBe('the shell', readShells(addShell(text, '/opt/zz')).includes('/opt/zz'), true);
  }),
  parser('crontab', '/etc/cron.d/lab', (text) => {
    for (const withUser of [true, false]) {
      const sound = soundCrontab(crontabLines(text, withUser));
      mustBe(
        'a sound crontab',
        crontabLines(sound, withUser).filter(({ kind }) => kind === 'broken'),
        [],
      );
      mustBe('its meaning', meaningOf(sound, withUser), meaningOf(text, withUser));
    }
    mustBe(
      'with the same users',
      meaningOf(
        withUsers(text, (name) => name),
        true,
      ),
      meaningOf(text, true),
    );
  }),
  parser('xml', '/home/ann/.config/monitors.xml', readXml, { weight: 1 }),
  parser('monitors-xml', '/home/ann/.config/monitors.xml', readMonitorsXml),
  parser('kscreen', '/home/bob/.local/share/kscreen/abc', monitorsIn(readKscreen), { shape: 'json' }),
  parser('kwin', '/home/bob/.config/kwinoutputconfig.json', monitorsIn(readKwin), { shape: 'json' }),
  parser(
    'edid',
    Buffer.concat([Buffer.from('00ffffffffffff00', 'hex'), Buffer.alloc(120, 1)]).toString('latin1'),
    (text) => readEdid(Buffer.from(text, 'latin1')),
  ),
  parser('flexnet', '/opt/m/licenses/network.lic', flexNetFacts),
  parser('rlm', '/opt/r/rlm.lic', rlmFacts),
  parser('licence-variables', '/etc/profile.d/lab.sh', (text) => [assignmentsIn(text), clientServers(text)]),
  parser('licence-formats', '/home/ann/.Wolfram/Licensing/mathpass', (text) =>
    ['/opt/x/mathpass', '/x/stata.lic', '/x/SAS.txt', '/x/lservrc', '/x/DSLicSrv.txt'].map((path) =>
      recognise(path, Buffer.from(text)),
    ),
  ),
  parser('jetbrains', 'ÿÿ{"licenseId":"X"}', (text) => jetBrainsFacts(Buffer.from(text, 'latin1'))),
  parser('tsm', '/opt/tivoli/tsm/client/ba/bin/dsm.sys', (text) => {
    const options = parseTsm(text);
    mustBe('options of TSM', parseTsm(writeTsm(options)), options);
    return [tsmRules(text), hasName(text), withoutNames(text)];
  }),
  parser('backup-lists', '/etc/restic/excludes', (text) => [
    listRules(text),
    rsnapshotRules(text),
    backInTimeRules(text),
  ]),
  parser('borgmatic', '/etc/borgmatic/config.yaml', borgmaticRules, { shape: 'yaml' }),
  parser('timeshift', '/etc/timeshift/timeshift.json', timeshiftRules, { shape: 'json' }),
  parser('firewall-tables', '/etc/iptables/rules.v4', (text) => judgeTables(Buffer.from(text), new MemoryMachine({}))),
  parser('certificate', '/usr/local/share/ca-certificates/lab.crt', (text) =>
    judgeCertificate(Buffer.from(text), new MemoryMachine({})),
  ),
  parser('polkit-script', '/etc/polkit-1/rules.d/50-lab.rules', (text) =>
    judgeScript(Buffer.from(text), new MemoryMachine({})),
  ),
  parser('one-line', 'a text\nof lines', (text) => mustBe('one line', /[\p{Cc}\p{Zl}]/u.test(oneLine(text)), false)),
  parser('cli-words', 'a "b c" d\\ e # f', cliWords, { refusals: ['usage'] }),
  parser('cli-user-mapping', 'ann=anna', mappingOf, { refusals: ['usage'] }),
  parser('shown-path', '/home/\\x41nn/x', namesOfShownPath, { refusals: ['usage'] }),
  target({
    ...{ name: 'hardware-digests', shape: 'bytes', refusals: [] },
    valid: (random) => random.bytes(17 * random.integer(4)),
    decode: readDigests,
  }),
];

/** Monitors as a document would hold them. */
function monitorsIn(read: (text: string) => readonly unknown[] | undefined) {
  return (text: string): void => {
    for (const one of read(text) ?? []) {
      const { rotation } = one as { rotation: unknown };
      mustBe('a rotation', typeof rotation, 'string');
      monitor.safeParse(one);
    }
  };
}
