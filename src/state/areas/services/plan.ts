import type { Change } from '../base/change.ts';
import type { ConfigFile } from '../base/config-file.ts';
import { planFileItem } from '../base/file-item.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { planDefaultTarget } from './default-target.ts';
import { mappedFile } from './mapped.ts';
import { carriesLink, effectOf, isFileOurs, isOurs, scriptOfPath, unitOfPath } from './places.ts';
import type { ServicesContent } from './schema.ts';
import { unitProblem } from './unit-file.ts';
import { ETC, Units } from './units.ts';

type Unit = ServicesContent['units'][number];

export function planServices(content: ServicesContent, plan: PlanBuilder, about: RestoreAbout): void {
  for (const file of content.files) planFile(file, plan, about);
  planRunLevels(content, plan);
  const units = new Units(plan.system);
  for (const unit of content.units) planUnit(unit, units, plan);
  if (content.defaultTarget !== undefined) planDefaultTarget(content.defaultTarget, units, plan);
  for (const { path } of content.userUnits) {
    plan.keep(`user-unit:${path}`, path, 'it comes with the area homes; its person enables it');
  }
}

export function titleOfFile(path: string): string {
  const of = unitOfPath(path);
  if (!of) return path;
  return of.isDropIn ? `settings of ${of.unit} (${path.split('/').at(-1)})` : `unit ${of.unit}`;
}

function planFile(captured: ConfigFile, plan: PlanBuilder, about: RestoreAbout): void {
  const file = mappedFile(captured, about.owners);
  const { path } = file;
  const id = `file:${path}`;
  const title = titleOfFile(path);
  const of = unitOfPath(path);
  const isOurUnit = of && (isFileOurs(of.unit) || (of.isDropIn && !of.unit.includes('.')));
  if (file.link !== undefined || (!isOurUnit && scriptOfPath(path) === undefined)) {
    plan.withhold(id, title, 'it is no unit, nor a script that starts with the machine');
    return;
  }
  const problem = of ? unitProblem(of.isDropIn ? '' : of.unit, file.text ?? '\0') : undefined;
  if (problem !== undefined) plan.withhold(id, title, `systemd would not take it: ${problem}`);
  else
    planFileItem(
      { id, title, file: { ...file, mode: of ? file.mode & 0o666 : file.mode }, effect: effectOf(path) },
      plan,
      about,
    );
}

/** Where root may not have the script, it gets no links either. */
function planRunLevels({ runLevels }: ServicesContent, plan: PlanBuilder): void {
  const byScript = Map.groupBy(runLevels, (link) => link.slice('rc2.d/S01'.length));
  for (const [script, links] of byScript) {
    const id = `run-levels:${script}`;
    const title = `when ${script} starts and stops`;
    if (plan.system.facts(`/etc/init.d/${script}`)?.kind !== 'file') {
      plan.withhold(id, title, `/etc/init.d/${script} is not there`);
      continue;
    }
    // A machine without folders of run levels has no use for them.
    const known = links.filter((link) => plan.system.facts(`/etc/${link.slice(0, 'rc2.d'.length)}`)?.kind === 'folder');
    const changes = known.map(
      (link): Change => ({ kind: 'link', path: `/etc/${link}`, target: `../init.d/${script}` }),
    );
    plan.want({ id, title, action: 'add', detail: 'its links of run levels', effect: 'root-runs', changes });
  }
}

function planUnit({ id: unit, unit_file_state: wanted, package: from }: Unit, units: Units, plan: PlanBuilder): void {
  const id = `unit:${unit}`;
  const title = `${unit} ${wanted}`;
  const state = isOurs(unit) ? units.state(unit) : undefined;
  if (!isOurs(unit)) plan.withhold(id, title, 'it belongs to another area');
  else if (state === wanted) plan.same(id, title);
  else if (state === undefined && wanted === 'enabled') {
    const remedy = from ? `install the package ${from}, then restore it again` : `there is no ${unit} on this machine`;
    plan.ask(id, title, remedy);
  } else if (state === undefined) plan.keep(id, title, `there is no ${unit} on this machine`);
  else if (carriesLink(unit)) {
    const remedy = `it is ${state} here, and this machine may be reached through it: decide, and use systemctl yourself`;
    plan.ask(id, title, remedy);
  } else if (state === 'masked') {
    plan.ask(id, title, `it is masked on this machine: systemctl unmask ${unit}, if you want it`);
  } else planState(id, title, unit, wanted, units, plan);
}

function planState(
  id: string,
  title: string,
  unit: string,
  wanted: Unit['unit_file_state'],
  units: Units,
  plan: PlanBuilder,
): void {
  if (wanted === 'enabled') {
    const changes = units.enabling(unit);
    const detail = 'the machine starts it, from the next boot on';
    if (!changes) plan.ask(id, title, 'its file does not say what starts it, so it cannot be enabled here');
    // What it starts along (`Also=`) is enabled with it.
    else if (plan.want({ id, title, action: 'add', detail, effect: effectOf(unit), changes })) units.note(changes);
    return;
  }
  if (wanted === 'disabled') {
    const changes = units.linksOf(unit).map((path): Change => ({ kind: 'remove', path }));
    const detail = 'it is not started any more, from the next boot on';
    plan.want({ id, title, action: 'remove', detail, effect: 'root-file', changes });
    return;
  }
  const mask: Change = { kind: 'link', path: `${ETC}/${unit}`, target: '/dev/null' };
  const detail = 'nothing starts it any more';
  if (plan.system.facts(mask.path)?.kind === 'file')
    plan.ask(id, title, `${mask.path} is a file of its own: remove it first`);
  else plan.want({ id, title, action: 'add', detail, effect: 'root-file', changes: [mask] });
}
