import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import type { RequestOf } from '../../api/contract.ts';
import { messageOf, ResettleError } from '../../common/errors.ts';
import { parseShareTerms } from '../../common/share-terms.ts';
import { parseDurationMs } from '../../common/sizes.ts';
import { type Context, callAgentOrHere } from '../context.ts';
import { table } from '../table.ts';
import { wordsOf } from '../words.ts';
import { mappingOf } from './restore.ts';

type Wish = RequestOf<'associate'>['wishes'][number];

interface AssociateFlags {
  inPlace?: boolean;
  toBeNamed?: boolean;
  users?: string;
  paths?: string;
  areas?: string;
  points?: string;
  replicas?: string;
  keep?: string;
  deadline?: string;
  shares?: string;
  recoveryCodeOut?: string;
  mapUser?: string[];
  start?: boolean;
  atOnce?: string;
  from?: string;
}

/** A list of machines has some hundred lines; this is a hundred times that. */
const LIST_MAX_BYTES = 4 * 1024 * 1024;
/** How many of one batch capture at once, where nobody says: about what one point serves. */
const AT_ONCE = 8;

const collect = (value: string, before: string[] = []): string[] => [...before, value];

export function describeAssociate(command: Command): Command {
  return withWishOptions(command)
    .description('say where the state of a machine goes')
    .option(
      '--from <FILE>',
      'make one association for each line of FILE: "SOURCE DEST", "SOURCE --in-place", … (- for standard input)',
    )
    .addHelpText(
      'after',
      `
A machine says it for itself; an operator of the fleet for machines that agreed ("fleet join --accept-operators"). With
--start such a machine captures by itself. Options before --from FILE hold for all its lines; a line may have its own. Nothing
is made unless every line is right. An association that was left to be named gets its name with "associate SOURCE DEST", or with
its id instead of SOURCE.

Examples:
  resettle associate old-laptop new-laptop --users ann --replicas 2
  resettle associate lab-07 --in-place --paths /home,/srv/data --start
  resettle associate old-pc --to-be-named
  resettle associate --from office.txt --start --at-once 10 --keep 30d`,
    );
}

function withWishOptions(command: Command): Command {
  return command
    .argument('[SOURCE]', 'whose state it is: a machine, or the id of an association that shall get its name')
    .argument('[DEST]', 'who shall have it')
    .option('--in-place', 'the same machine, after it was reinstalled')
    .option('--to-be-named', 'another machine that is not there yet')
    .option('--users <LIST>', 'the homes of these users of SOURCE, with commas')
    .option('--paths <LIST>', 'these absolute paths of SOURCE, with commas')
    .option('--areas <LIST>', 'kinds of system state, with commas, or all; with --users of these people only')
    .option('--points <LIST>', 'auto, or the points to use in order of preference, with commas (default: auto)')
    .option('--replicas <N>', 'copies on different machines (default: 1)')
    .option('--keep <DURATION>', 'how long copies are kept after the restore (default: 30d)')
    .option('--deadline <DURATION>', 'how long copies are kept that nobody restored (default: for ever)')
    .option('--shares <K/N>', 'in place: K of N share holders are needed (default: more than half of up to 5)')
    .option('--recovery-code-out <F>', 'write a recovery code to F: another way to the key, for the safe')
    .option('--map-user <OLD=NEW>', "what was OLD's becomes NEW's; may be repeated", collect)
    .option('--start', 'SOURCE captures by itself what --users and --paths say')
    .option('--at-once <N>', `with --start: how many of one list capture at once (default: ${AT_ONCE})`);
}

export async function runAssociate(
  context: Context,
  source: string | undefined,
  dest: string | undefined,
  flags: AssociateFlags,
): Promise<void> {
  if (flags.from !== undefined && source !== undefined) {
    throw new ResettleError('usage', 'give machines or --from FILE, not both');
  }
  const wishes = flags.from === undefined ? [wishOf(source, dest, flags)] : wishesOfList(flags.from, flags);
  const done = await callAgentOrHere(context, 'associate', { wishes });
  const made = done.associations as Record<string, unknown>[];
  for (const one of made) {
    const to = one.destinationName ?? (one.mode === 'in-place' ? 'itself, reinstalled' : 'a machine to be named');
    context.output.message(`${String(one.sourceName)} -> ${String(to)}${one.unchanged ? ' (as it was)' : ''}`);
  }
  if (flags.recoveryCodeOut !== undefined) {
    context.output.message(
      `The recovery code is in ${flags.recoveryCodeOut}: print it, lock it away, and delete the file.`,
    );
  }
  context.output.done(
    done,
    made.map((one) => `association ${String(one.association)}`),
  );
}

function wishOf(source: string | undefined, dest: string | undefined, flags: AssociateFlags): Wish {
  if (source === undefined)
    throw new ResettleError('usage', 'nobody was named whose state it is', { hint: 'give SOURCE and DEST' });
  const kinds = [dest !== undefined, flags.inPlace === true, flags.toBeNamed === true].filter(Boolean).length;
  if (kinds !== 1) {
    throw new ResettleError('usage', `who shall have the state of ${source}?`, {
      hint: 'give one of DEST, --in-place and --to-be-named',
    });
  }
  if (flags.shares !== undefined && !flags.inPlace) throw new ResettleError('usage', '--shares goes with --in-place');
  const wish: Wish = {
    source,
    destination:
      dest !== undefined ? { kind: 'machine', machine: dest } : { kind: flags.inPlace ? 'in-place' : 'to-be-named' },
    users: listOf(flags.users),
    areas: listOf(flags.areas),
    paths: listOf(flags.paths),
    mapUsers: (flags.mapUser ?? []).map(mappingOf),
    points: flags.points === 'auto' ? [] : listOf(flags.points),
  };
  const relative = wish.paths.find((path) => !path.startsWith('/'));
  if (relative !== undefined) {
    throw new ResettleError('usage', `--paths are paths of ${source}, from its root: ${relative} is none`);
  }
  if (flags.replicas !== undefined) wish.replicas = wholeNumber('--replicas', flags.replicas);
  if (flags.keep !== undefined) wish.keepMs = flags.keep === '0' ? 0 : parseDurationMs(flags.keep);
  if (flags.deadline !== undefined) wish.deadlineMs = parseDurationMs(flags.deadline);
  if (flags.shares !== undefined) wish.shares = parseShareTerms(flags.shares);
  if (flags.recoveryCodeOut !== undefined) wish.recoveryCodeOut = resolve(flags.recoveryCodeOut);
  if (flags.atOnce !== undefined && !flags.start) throw new ResettleError('usage', '--at-once goes with --start');
  if (flags.start) {
    if (wish.users.length + wish.paths.length + wish.areas.length === 0) {
      throw new ResettleError('usage', '--start needs to know what to capture', {
        hint: 'give --users, --areas or --paths',
      });
    }
    wish.startAtOnce = flags.atOnce === undefined ? AT_ONCE : wholeNumber('--at-once', flags.atOnce);
  }
  return wish;
}

/** Each line is what one `associate` would take; options of the command hold where a line has none. */
function wishesOfList(file: string, common: AssociateFlags): Wish[] {
  if (common.recoveryCodeOut !== undefined) {
    throw new ResettleError('usage', '--recovery-code-out is for one association: a line may have its own');
  }
  const { from: _, ...rest } = common;
  const wishes: Wish[] = [];
  const wrong: string[] = [];
  for (const [index, line] of readList(file).split(/\r?\n/).entries()) {
    const words = wordsOf(line);
    if (words.length === 0) continue;
    try {
      wishes.push(wishOfLine(words, rest));
    } catch (error) {
      if (!(error instanceof ResettleError) && !(error instanceof CommanderError)) throw error;
      wrong.push(`line ${index + 1}: ${messageOf(error).replace(/^error: /, '')}`);
    }
  }
  if (wrong.length > 0) {
    throw new ResettleError(
      'usage',
      `${wrong.length} lines of ${file} are not understood, nothing was made: ${wrong.join('; ')}`,
      {
        hint: 'a line is "SOURCE DEST", "SOURCE --in-place" or "SOURCE --to-be-named", with options behind',
      },
    );
  }
  if (wishes.length === 0) throw new ResettleError('usage', `${file} names no machine`);
  return wishes;
}

function wishOfLine(words: readonly string[], common: AssociateFlags): Wish {
  const line = withWishOptions(new Command('line'))
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  line.allowExcessArguments(false).parse([...words], { from: 'user' });
  const own = line.opts<AssociateFlags>();
  const [source, dest] = line.args;
  const kindGiven = dest !== undefined || own.inPlace || own.toBeNamed;
  const { inPlace, toBeNamed, ...others } = common;
  const kind = kindGiven ? {} : { ...(inPlace && { inPlace }), ...(toBeNamed && { toBeNamed }) };
  return wishOf(source, dest, { ...others, ...kind, ...own });
}

function readList(file: string): string {
  try {
    const bytes = readFileSync(file === '-' ? 0 : file);
    if (bytes.length > LIST_MAX_BYTES)
      throw new ResettleError('usage', `${file} is no list of machines: it is too large`);
    return bytes.toString('utf8');
  } catch (error) {
    if (error instanceof ResettleError) throw error;
    throw new ResettleError('not-found', `${file} cannot be read: ${messageOf(error)}`, {
      hint: 'check the path',
      cause: error,
    });
  }
}

const listOf = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new ResettleError('usage', `${option} is a whole number from 1, not ${text}`);
  }
  return value;
}

export function describeAssociations(command: Command): Command {
  return command
    .description('list where the states of machines go, and how far each has come')
    .addHelpText('after', '\nExamples:\n  resettle associations\n  resettle associations delete 3f2a9c0d11aa');
}

export async function runAssociations(context: Context): Promise<void> {
  const done = await callAgentOrHere(context, 'associations', {});
  const rows = done.associations as Record<string, unknown>[];
  context.output.done(
    done,
    table(
      ['ASSOCIATION', 'SOURCE', 'DESTINATION', 'MODE', 'COPIES', 'PHASE'],
      rows.map((one) => [
        String(one.association).slice(0, 12),
        one.sourceName,
        one.destinationName ?? (one.mode === 'in-place' ? '(reinstalled)' : '(to be named)'),
        one.mode,
        `${String(one.copies)} of ${String(one.replicas)}`,
        one.phase,
      ]),
    ),
  );
}

export function describeAssociationsDelete(command: Command): Command {
  return command
    .description('end an association: nothing more is captured for it, and nothing that is held is deleted')
    .argument('<ID>', "the association's id, or its beginning")
    .addHelpText('after', '\nExample:\n  resettle associations delete 3f2a9c0d11aa');
}

export async function runAssociationsDelete(context: Context, id: string): Promise<void> {
  const done = await callAgentOrHere(context, 'associationsDelete', { id });
  context.output.message('Ended. Copies that points hold stay until their retention ends.');
  context.output.done(done, [`association ${String(done.association)}`]);
}
