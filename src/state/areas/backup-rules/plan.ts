import { planFileItem } from '../base/file-item.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { adapted } from './adapted.ts';
import type { BackupRulesContent } from './schema.ts';
import { placeOf } from './tools.ts';

export function planBackupRules({ files, inHomes }: BackupRulesContent, plan: PlanBuilder, about: RestoreAbout): void {
  for (const captured of files) {
    const { path } = captured;
    const id = `file:${path}`;
    const place = placeOf(path);
    if (!place || captured.link !== undefined) {
      plan.withhold(id, path, 'it is no backup program’s settings');
      continue;
    }
    const title = `${place.tool} (${path})`;
    const { file, nodeName, isBound } = adapted(captured, about);
    if (isBound) {
      plan.ask(
        id,
        title,
        `it says that this machine is ${nodeName}, as the server knows the old one: decide which name it has`,
      );
      continue;
    }
    const mode = file.mode & (place.isList ? 0o666 : 0o777);
    const effect = place.isList ? 'root-file' : 'root-runs';
    planFileItem({ id, title, file: { ...file, mode }, effect }, plan, about);
    if (nodeName !== undefined)
      plan.ask(`node-name:${path}`, `name of this machine at ${place.tool}`, nodeAdvice(nodeName, path));
  }
  for (const { path, tool } of inHomes) {
    plan.keep(`file:${path}`, `${tool} (${path})`, 'it comes with the area homes');
  }
}

export const nodeAdvice = (name: string, path: string): string =>
  `the server knows the old machine as ${name.slice(0, 100)}; its line in ${path} is set aside: register this machine ` +
  'under a name of its own, or give it the old one when the old machine is gone';
