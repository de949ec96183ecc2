/** Uses as much of a processor as it is told, and does nothing with it: `burner.ts SHARE`, from 0 to 1. */
const SLICE_MS = 5;

const share = Number(process.argv[2]);
const startedMs = performance.now();

function burn(): void {
  const untilMs = performance.now() + SLICE_MS;
  while (performance.now() < untilMs);
}

/** Behind what it should have used, it goes on: that is how a flood is, which takes what it gets. */
function turn(): void {
  const { user, system } = process.cpuUsage();
  const usedMs = (user + system) / 1000 - bootMs;
  if (usedMs < (performance.now() - startedMs) * share) {
    burn();
    setImmediate(turn);
  } else setTimeout(turn, 1);
}

const boot = process.cpuUsage();
const bootMs = (boot.user + boot.system) / 1000;
turn();
process.on('disconnect', () => process.exit());
