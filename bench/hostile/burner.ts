/** Uses as much of a processor as it is told, and does nothing with it: `burner.ts SHARE`, from 0 to 1. */
const SLICE_MS = 5;

const share = Number(process.argv[2]);
const usedMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
let beganMs = 0;
let usedBeforeMs = 0;

function burn(): void {
  const untilMs = performance.now() + SLICE_MS;
  while (performance.now() < untilMs);
}

/** Behind what it should have used, it goes on: that is how a flood is, which takes what it gets. */
function turn(): void {
  if (usedMs() - usedBeforeMs < (performance.now() - beganMs) * share) {
    burn();
    setImmediate(turn);
  } else setTimeout(turn, 1);
}

process.on('message', () => {
  beganMs = performance.now();
  usedBeforeMs = usedMs();
  turn();
});
process.on('disconnect', () => process.exit());
process.send!('ready');
