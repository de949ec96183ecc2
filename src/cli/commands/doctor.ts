import type { Command } from 'commander';
import { ResettleError } from '../../common/errors.ts';
import { type Context, callAgent } from '../context.ts';

interface DoctorFlags {
  peer?: string;
}

/** Something needs a person. */
const NEEDS_A_PERSON_EXIT = 3;

export function describeDoctor(command: Command): Command {
  return command
    .description('say why two machines see each other or do not')
    .option('--peer <MACHINE>', 'look at that machine closely: every address, and how it sees this one')
    .addHelpText('after', '\nExamples:\n  resettle doctor\n  resettle doctor --peer nas');
}

export async function runDoctor(context: Context, flags: DoctorFlags): Promise<number> {
  const done = await examined(context, flags);
  const { warnings, faults, unknown } = done as Record<string, number>;
  const needs = Number(warnings) + Number(faults);
  const notKnown = Number(unknown) > 0 ? `, not known: ${unknown}` : '';
  context.output.done(done, [
    needs === 0 ? `nothing is wrong here${notKnown}` : `faults: ${faults}, warnings: ${warnings}${notKnown}`,
  ]);
  return needs === 0 ? 0 : NEEDS_A_PERSON_EXIT;
}

/** Asks the agent; where none runs, looks at what can be seen without one. */
async function examined(context: Context, { peer }: DoctorFlags): Promise<Record<string, unknown>> {
  try {
    return await callAgent(context, 'doctor', peer === undefined ? {} : { peer });
  } catch (error) {
    if (!(error instanceof ResettleError) || error.code !== 'agent-not-running') throw error;
  }
  if (peer !== undefined) {
    const message = `the machine ${JSON.stringify(peer)} is not looked for: that needs the agent`;
    context.output.event({ event: 'note', message });
  }
  const { doctorWithoutAgent } = await import('../../api/doctor.ts');
  try {
    return await doctorWithoutAgent(context.output.event, context.signal);
  } catch (error) {
    if (context.signal.aborted) throw new ResettleError('interrupted', 'interrupted');
    throw error;
  }
}
