import { Command, type CommandOptions } from '../../test/support/agents.ts';

const USAGE_EXIT = 2;
/** Items were left out and listed; the comparison with the data judges that. */
const LEFT_OUT_EXIT = 3;

/** The command line does not know this yet. */
export class NotAvailable extends Error {}

/** Runs `resettle ARGS --json` to its end and gives its last event. Throws what it said where it failed. */
export async function resettle(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Readonly<Record<string, unknown>>> {
  const { status, last, stderr } = await new Command([...args, '--json'], options).ended;
  if (status === 0 || status === LEFT_OUT_EXIT) return last;
  const said = `resettle ${args[0]} ended with ${status}: ${String(last.message ?? stderr.trim())}`;
  throw status === USAGE_EXIT ? new NotAvailable(said) : new Error(said);
}
