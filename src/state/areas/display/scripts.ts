import type { System } from '../base/system.ts';

const SINGLE = ['.xprofile', '.xinitrc', '.xsession', '.xsessionrc', '.profile'];
const SETS_MONITORS = /^[^#\n]*\b(xrandr|xset|wlr-randr|autorandr)\b/m;

/** Scripts of a home that set monitors, by their paths in it: desktops' own, arandr's, autorandr's. */
export function scriptsOf(system: System, home: string): string[] {
  const layouts = system.list(`${home}/.screenlayout`).map((name) => `.screenlayout/${name}`);
  const profiles = system.list(`${home}/.config/autorandr`).map((name) => `.config/autorandr/${name}/config`);
  return [
    ...[...SINGLE, ...layouts].filter((path) => SETS_MONITORS.test(system.text(`${home}/${path}`) ?? '')),
    ...profiles.filter((path) => system.facts(`${home}/${path}`)?.kind === 'file'),
  ];
}
