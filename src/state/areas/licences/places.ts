import { LICENCES_MAX } from '../../../common/limits.ts';
import { alternatives, globPaths } from '../base/glob.ts';
import { matchesPath } from '../base/path-patterns.ts';
import type { System } from '../base/system.ts';

const FOLDER = '{license,licenses,licence,licences,Licenses}';
const FILE = '{*.lic,*.dat,*.license,*.key,lservrc}';

/** Where programs that many people share have their licence files: a list, so that nothing is walked. */
const SYSTEM_PATTERNS = [
  `/usr/local/flexlm/${FILE}`,
  `/usr/local/flexlm/*/${FILE}`,
  `/usr/local/*/${FOLDER}/${FILE}`,
  `/usr/local/*/*/${FOLDER}/${FILE}`,
  '/usr/local/*/{*.lic,license.dat,licence.dat}',
  `/opt/*/${FOLDER}/${FILE}`,
  `/opt/*/*/${FOLDER}/${FILE}`,
  `/opt/*/${FOLDER}/*/*.lic`,
  '/opt/*/{*.lic,license*.dat,licence*.dat}',
  '/opt/*/*/{*.lic,license.dat,licence.dat}',
  '/etc/*/{*.lic,license.dat,licence.dat}',
  '/var/flexlm/{*.lic,*.dat}',
  '/var/lib/flexlm/{*.lic,*.dat}',
  '/usr/share/{Mathematica,Wolfram,WolframEngine}/Licensing/mathpass',
  '/{ansys_inc,usr/ansys_inc,opt/ansys_inc,usr/local/ansys_inc}/shared_files/licensing/{ansyslmd.ini,license_files/*.lic}',
  '/{usr/local,opt,opt/sas}/SASHome/licenses/*',
  '/{usr/local,opt,opt/sas}/SASHome/SASFoundation/*/setinit.sas',
  '/{usr/local,opt}/stata*/stata.lic',
  '/opt/IBM/SPSS/Statistics/*/bin/{lservrc,spssprod.inf}',
  '/opt/{exelis,harris,itt,nv5,l3harris}/license/*.dat',
  `/{usr/local,opt}/comsol*/multiphysics/license/${FILE}`,
  '/{usr,opt}/SIMULIA/*/*/{site,SMA/site,linux_a64/SMA/site}/{abaqus_v6.env,custom_v6.env}',
  '/opt/abaqus/*/site/abaqus_v6.env',
  '/var/DassaultSystemes/Licenses/DSLicSrv.txt',
  `/usr/synopsys/${FOLDER}/${FILE}`,
  '/tools/Xilinx/*.lic',
  '/etc/hasplm/*.ini',
  '/etc/wibu/CodeMeter/Server.ini',
].flatMap(alternatives);

/** Beneath a home, without it; those are listed, and come with the homes. */
const HOME_PATTERNS = [
  '/.flexlmrc',
  '/*.lic',
  '/{.*,intel}/*.lic',
  '/intel/licenses/*.lic',
  '/.matlab/R*_licenses/*',
  '/.config/JetBrains/*/*.{key,license}',
  '/.local/share/JetBrains/*/*.{key,license}',
  '/.{IntelliJIdea,PyCharm,CLion,WebStorm,DataGrip,GoLand,PhpStorm,Rider,RubyMine}*/config/*.key',
  '/.{Mathematica,Wolfram,WolframEngine}/Licensing/mathpass',
  '/.config/*/{*.lic,*.license,license.key,license.dat}',
  '/.config/*/*/*.lic',
  '/.local/share/*/{*.lic,*.license}',
  '/.config/hasplm/*.ini',
  '/.hasplm/*.ini',
].flatMap(alternatives);

/** Stores that a licence manager seals to this machine's hardware, with who made them. */
const STORES: readonly (readonly [string, string])[] = [
  ['/usr/local/share/macrovision/storage', 'FlexNet trusted storage'],
  ['/var/hasplm/installed', 'Sentinel LDK keys'],
  ['/var/lib/CodeMeter/CmAct', 'CodeMeter containers'],
  ['/opt/IBM/SPSS/.spss_trusted', 'Sentinel RMS trusted storage'],
];

export const systemPlaces = (system: System): string[] => placesOf(system, SYSTEM_PATTERNS);

export function homePlaces(system: System, home: string): string[] {
  // A home's own name is taken by the letter.
  if (/[*?{}]/.test(home)) return [];
  return placesOf(
    system,
    HOME_PATTERNS.map((pattern) => `${home}${pattern}`),
  );
}

export const storePlaces = (system: System): { path: string; name: string }[] =>
  STORES.filter(([path]) => system.list(path).length > 0).map(([path, name]) => ({ path, name }));

/** Folders of which something reads every file: `cron.d` and its like. */
const READ_WHOLE = /^\/etc\/(?:[^/]*\.d|cron[^/]*|init|pam|apt|ssh|systemd)\//;

/** Whether a licence outside of homes may stand there. */
export const isSystemPlace = (path: string): boolean =>
  !READ_WHOLE.test(path) && SYSTEM_PATTERNS.some((pattern) => matchesPath(pattern, path));

/** What the area may write: these places, and the folders above them where a program's own folder may be missing. */
export const LICENCE_WRITES: readonly string[] = [
  ...new Set([...SYSTEM_PATTERNS, ...SYSTEM_PATTERNS.filter((one) => !one.startsWith('/etc/')).flatMap(foldersAbove)]),
];

function foldersAbove(pattern: string): string[] {
  const names = pattern.slice(1).split('/').slice(0, -1);
  return names
    .map((_, index) => `/${names.slice(0, index + 1).join('/')}`)
    .filter((folder) => !['/usr', '/usr/local', '/opt', '/var', '/var/lib', '/usr/share'].includes(folder));
}

function placesOf(system: System, patterns: readonly string[]): string[] {
  const found = new Set<string>();
  for (const pattern of patterns) {
    for (const path of globPaths(system, pattern, LICENCES_MAX)) {
      if (system.facts(path)?.kind === 'file') found.add(path);
    }
    if (found.size >= LICENCES_MAX * 4) break;
  }
  return [...found].sort();
}
