import { parentPort, workerData } from 'node:worker_threads';
import { runWorker } from '../../threads/run-worker.ts';
import { LocalSystem } from '../base/local-system.ts';
import { AREAS } from '../registry.ts';
import type { FromSurveyWorker, SurveyWorkerData } from './messages.ts';
import { survey } from './survey.ts';

const port = parentPort!;
const { root, areas, users, folder, nowMs } = workerData as SurveyWorkerData;

runWorker(port, async () => {
  const surveyed = survey({
    system: new LocalSystem(root),
    areas: AREAS.filter(({ name }) => areas.includes(name)),
    about: { nowMs, ...(users && { users: new Set(users) }) },
    folder,
  });
  port.postMessage({ type: 'surveyed', surveyed } satisfies FromSurveyWorker);
});
