import type { AreaName } from '../../../../src/state/areas/base/names.ts';
import type { Checklist, ChecklistItem } from '../../../../src/state/areas/checklist/types.ts';
import { checklistOf, documentsOf, expecting, fakeArea, found, planned } from './fake.ts';

const item = (area: AreaName, id: string, title: string, expected: string, evidence: string) =>
  found(area, id, 'same', { title, expected, observed: expected, evidence });

const FILES: ChecklistItem[] = [
  {
    ...{ area: 'files', id: 'folder:/home/ann', group: 'home', title: 'Folder /home/ann', verdict: 'same' },
    ...{ expected: 'mode 0700, owner 1000:1000', observed: 'mode 0700, owner 1000:1000' },
    evidence: 'mode and owner of the folder, beside what the restore wrote down',
  },
  {
    ...{ area: 'files', id: 'files:/home/ann', group: 'home', title: 'Files of /home/ann', verdict: 'failed' },
    expected: '12,345 files and folders in place',
    observed: '12,342 of 12,345 in place; 2 missing; 1 changed since',
    names: ['missing: Documents/letter.odt', 'missing: Documents/tax 2025.ods', 'changed since: .bash_history'],
    evidence: 'kind, size and time of each, beside what the restore wrote down',
    remedy: 'give the same "resettle restore" again: it brings what is missing, and overwrites nothing',
  },
];

/** A checklist that has one of everything, as a person may get it. */
export function sampleChecklist(): Checklist {
  const areas = [
    fakeArea('accounts', [
      item(
        'accounts',
        'user:ann',
        'User ann',
        'uid 1000, home /home/ann, a yescrypt password',
        '/etc/passwd, /etc/shadow',
      ),
      item(
        'accounts',
        'user:ben',
        'User ben',
        'uid 1001, home /home/ben, a yescrypt password',
        '/etc/passwd, /etc/shadow',
      ),
      item('accounts', 'group:lab', 'Group lab', 'gid 1002, members ann and ben', '/etc/group'),
    ]),
    fakeArea(
      'network',
      [
        found('network', 'interface:eno1', 'changed', {
          ...{ title: 'Adapter eno1', expected: 'up, 192.168.7.20/24, gateway 192.168.7.1' },
          observed: 'up, 192.168.7.55/24, gateway 192.168.7.1',
          evidence: 'ip -j addr',
        }),
        item(
          'network',
          'connection:office',
          'Connection office',
          'Wi-Fi, with a password',
          '/etc/NetworkManager/system-connections',
        ),
      ].map((one, at) => (at === 1 ? { ...one, group: 'networking files' } : one)),
    ),
    fakeArea('printers', [
      item(
        'printers',
        'printer:lab',
        'Printer lab',
        'ipp://lab.example/ipp/print, driverless',
        '/etc/cups/printers.conf',
      ),
      found('printers', 'printer:plotter', 'failed', {
        ...{
          title: 'Printer plotter',
          expected: 'socket://plotter.example:9100, with a PPD',
          observed: 'no such queue',
        },
        evidence: '/etc/cups/printers.conf',
      }),
    ]),
    fakeArea('hostname', [
      found('hostname', 'hostname', 'changed', {
        ...{ title: 'Host name', expected: 'old-desk', observed: 'new-desk, since this is another machine' },
        evidence: '/etc/hostname',
      }),
    ]),
    fakeArea('filesystems', [
      found('filesystems', 'mount:/data', 'failed', {
        ...{ title: 'File system /data', expected: 'ext4, 931 GiB, mounted on /data', observed: 'not mounted' },
        evidence: '/etc/fstab, findmnt',
      }),
    ]),
    fakeArea('applications', [
      item('applications', 'application:firefox', 'Firefox', 'its profile in ~/.mozilla', 'catalogue'),
      found('applications', 'licence:matlab', 'person', {
        ...{ title: 'MATLAB licence', expected: 'a licence for this machine', observed: 'bound to the old machine' },
        ...{ evidence: '/usr/local/MATLAB/licenses', remedy: 'have it issued anew for host id 00:16:3e:5e:6c:10' },
      }),
    ]),
    fakeArea('services', [
      found('services', 'unit:backup.service', 'failed', {
        ...{
          title: 'Unit backup.service',
          expected: 'enabled',
          observed: 'not there',
          evidence: '/etc/systemd/system',
        },
      }),
    ]),
  ];
  const names = [...areas.map(({ name }) => name), 'security'];
  return checklistOf(
    areas,
    {
      documents: documentsOf(names, {
        checklist: [
          ...expecting('accounts', 'user:ann', 'user:ben', 'group:lab'),
          ...expecting('security', 'sudoers:lab'),
        ],
      }),
      notAsked: ['security'],
      outcome: [
        planned('filesystems', 'mount:/data', 'ask', { detail: 'attach the disk with UUID 5c1d…, then mount /data' }),
        planned('services', 'unit:backup.service', 'withhold', {
          ...{ detail: 'root would run it; --allow-privileged brings it', effect: 'root-runs' },
        }),
      ],
    },
    FILES,
  );
}
