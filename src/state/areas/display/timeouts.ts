import { DCONF_USER_DATABASE, readDconf } from '../../dconf/dconf-database.ts';
import { printGVariant } from '../../dconf/gvariant-text.ts';
import type { System } from '../base/system.ts';
import { readKeyFile, valueIn } from './key-file.ts';
import { type Timeout, timeout } from './schema.ts';
import { readXml, type XmlElement } from './xml.ts';

/** What desktops of GNOME's family do when nobody is there. */
const DCONF_KEYS = [
  '/org/gnome/desktop/session/idle-delay',
  '/org/gnome/desktop/screensaver/idle-activation-enabled',
  '/org/gnome/desktop/screensaver/lock-enabled',
  '/org/gnome/desktop/screensaver/lock-delay',
  '/org/gnome/settings-daemon/plugins/power/idle-dim',
  '/org/gnome/settings-daemon/plugins/power/sleep-inactive-ac-type',
  '/org/gnome/settings-daemon/plugins/power/sleep-inactive-ac-timeout',
  '/org/gnome/settings-daemon/plugins/power/sleep-inactive-battery-type',
  '/org/gnome/settings-daemon/plugins/power/sleep-inactive-battery-timeout',
  '/org/cinnamon/desktop/session/idle-delay',
  '/org/cinnamon/settings-daemon/plugins/power/sleep-display-ac',
  '/org/cinnamon/settings-daemon/plugins/power/sleep-display-battery',
  '/org/mate/desktop/session/idle-delay',
  '/org/mate/power-manager/sleep-display-ac',
  '/org/mate/power-manager/sleep-display-battery',
];
/** Of Plasma 6, of Plasma 5, and of the screen's lock. */
const KDE_KEYS = [
  ...['AC', 'Battery', 'LowBattery'].flatMap((state) => [
    { file: 'powerdevilrc', section: `${state}][Display`, key: 'TurnOffDisplayWhenIdle' },
    { file: 'powerdevilrc', section: `${state}][Display`, key: 'TurnOffDisplayIdleTimeoutSec' },
    { file: 'powerdevilrc', section: `${state}][SuspendAndShutdown`, key: 'AutoSuspendAction' },
    { file: 'powerdevilrc', section: `${state}][SuspendAndShutdown`, key: 'AutoSuspendIdleTimeoutSec' },
    { file: 'powermanagementprofilesrc', section: `${state}][DPMSControl`, key: 'idleTime' },
    { file: 'powermanagementprofilesrc', section: `${state}][SuspendSession`, key: 'idleTime' },
  ]),
  { file: 'kscreenlockerrc', section: 'Daemon', key: 'Autolock' },
  { file: 'kscreenlockerrc', section: 'Daemon', key: 'Timeout' },
];
const XFCE_FOLDER = '.config/xfce4/xfconf/xfce-perchannel-xml';
const XFCE_FILES = ['xfce4-power-manager', 'xfce4-screensaver'];
const XFCE_NAME = /^(blank-on-\w+|dpms-(enabled|on-[\w-]+)|inactivity-on-\w+|presentation-mode|delay|enabled)$/;

/** What somebody wished about blanking, locking and sleeping, where it is not the default. */
export function timeoutsOf(system: System, home: string): Timeout[] {
  return [...fromDconf(system, home), ...fromKde(system, home), ...fromXfce(system, home)].filter(
    (one) => timeout.safeParse(one).success,
  );
}

function fromDconf(system: System, home: string): Timeout[] {
  const file = system.read(`${home}/${DCONF_USER_DATABASE}`);
  const database = file && readDconf(file);
  return DCONF_KEYS.flatMap((key): Timeout[] => {
    const value = database?.get(key);
    return value ? [{ name: `dconf${key}`, value: printGVariant(value, false) }] : [];
  });
}

function fromKde(system: System, home: string): Timeout[] {
  return KDE_KEYS.flatMap(({ file, section, key }): Timeout[] => {
    const value = valueIn(readKeyFile(system.text(`${home}/.config/${file}`) ?? ''), section, key);
    return value === undefined ? [] : [{ name: `${file}/${section.replace('][', '/')}/${key}`, value }];
  });
}

function fromXfce(system: System, home: string): Timeout[] {
  return XFCE_FILES.flatMap((file) => {
    const root = readXml(system.text(`${home}/${XFCE_FOLDER}/${file}.xml`) ?? '');
    return root ? propertiesOf(root, file) : [];
  });
}

function propertiesOf(element: XmlElement, path: string): Timeout[] {
  return element.children.flatMap((child): Timeout[] => {
    const { name = '', value } = child.attributes;
    const here = `${path}/${name}`;
    const own = value !== undefined && XFCE_NAME.test(name) ? [{ name: here, value }] : [];
    return [...own, ...propertiesOf(child, here)];
  });
}
