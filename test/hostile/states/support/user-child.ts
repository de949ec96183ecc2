/** Restores the hostile states of tables as the user that it runs as. Arguments: modules; prints a line of JSON a state. */
import type { HostileState } from './hostile-state.ts';
import { isForUs } from './is-for-us.ts';
import { runState } from './run-state.ts';

for (const table of process.argv.slice(2)) {
  const module = (await import(table)) as Readonly<Record<string, readonly HostileState[]>>;
  for (const state of Object.values(module)[0]!) {
    // What is damaged is refused before anybody's rights count.
    if (!isForUs(state) || ('refused' in state.must && state.must.refused === 'damaged')) continue;
    const failure = await runState(state).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.stack : String(error)),
    );
    console.log(JSON.stringify({ name: state.name, failure }));
  }
}
