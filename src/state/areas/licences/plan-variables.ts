import { pathInHome } from '../base/home-paths.ts';
import { matchesPath } from '../base/path-patterns.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { renameClientServers } from './client-settings.ts';
import { renamer } from './known.ts';
import type { LicencesContent } from './schema.ts';
import { assignmentOf, assignmentsIn, VARIABLE_WRITES } from './variables.ts';

type Variable = LicencesContent['variables'][number];

export const variableId = ({ path, name }: Variable): string => `variable:${name} in ${path}`;

/** Settings come with the environment or a home; those that name the captured machine as a server are changed here. */
export function planVariables(content: LicencesContent, plan: PlanBuilder, about: RestoreAbout): void {
  const to = renamer(content, plan.system, about);
  for (const variable of content.variables) {
    const { path, name, value, home } = variable;
    const id = variableId(variable);
    const title = `${name} in ${path}`;
    const wanted = renameClientServers(value, to);
    const at = home === undefined ? path : pathInHome(path, home, about.owners);
    const values = assignmentsIn(plan.system.text(at) ?? '').filter((one) => one.name === name);
    if (values.some((one) => one.value === wanted)) plan.same(id, title);
    else if (wanted === value || !values.some((one) => one.value === value)) {
      plan.keep(id, title, `it comes with the area ${home === undefined ? 'environment' : 'homes'}`);
    } else if (home !== undefined) {
      plan.ask(id, title, `it names the old machine as licence server; make it ${wanted}`);
    } else if (VARIABLE_WRITES.some((pattern) => matchesPath(pattern, path))) {
      rename(variable, to, plan, id, title);
    } else plan.withhold(id, title, 'it stands in no file of the environment');
  }
}

function rename(
  { path, name }: Variable,
  to: (host: string) => string | undefined,
  plan: PlanBuilder,
  id: string,
  title: string,
): void {
  const facts = plan.system.facts(path);
  const bytes = plan.system.read(path);
  if (facts?.kind !== 'file' || !bytes) {
    plan.ask(id, title, `${path} is no plain file; change the name of the licence server there by hand`);
    return;
  }
  const lines = bytes.toString('latin1').split('\n');
  const changed = lines.map((line) => (assignmentOf(line)?.name === name ? renameClientServers(line, to) : line));
  plan.want({
    id,
    title,
    action: 'merge',
    detail: 'the licence server that it names is called as this machine is',
    effect: 'environment',
    changes: [
      {
        kind: 'file',
        path,
        content: Buffer.from(changed.join('\n'), 'latin1'),
        mode: facts.mode,
        uid: facts.uid,
        gid: facts.gid,
      },
    ],
  });
}
