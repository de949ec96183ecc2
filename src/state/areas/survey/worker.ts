import { parentPort, workerData } from 'node:worker_threads';
import { ruleFolders as foldersOfRules, loadCatalogue } from '../../catalogue/load.ts';
import { runWorker } from '../../threads/run-worker.ts';
import { applicationsBy } from '../applications/index.ts';
import { LocalSystem } from '../base/local-system.ts';
import { AREAS } from '../registry.ts';
import type { FromSurveyWorker, SurveyWorkerData } from './messages.ts';
import { survey } from './survey.ts';

const port = parentPort!;
const { root, areas, users, folder, nowMs, ruleFolders } = workerData as SurveyWorkerData;

runWorker(port, async () => {
  // First: a rule that is wrong is told before anything is looked at.
  const folders = foldersOfRules(ruleFolders);
  const rules = loadCatalogue(folders);
  const surveyed = survey({
    system: new LocalSystem(root),
    areas: AREAS.filter(({ name }) => areas.includes(name)).map((area) =>
      area.name === 'applications' ? applicationsBy(() => rules, folders.length > 1) : area,
    ),
    about: { nowMs, ...(users && { users: new Set(users) }) },
    folder,
  });
  const decides = rules.map(({ id, kind, include, exclude, never }) => ({ id, kind, include, exclude, never }));
  port.postMessage({ type: 'surveyed', surveyed: { ...surveyed, rules: decides } } satisfies FromSurveyWorker);
});
