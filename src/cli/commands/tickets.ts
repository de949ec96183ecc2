import { access, mkdir, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../../common/durable-folders.ts';
import { ResettleError } from '../../common/errors.ts';
import { TICKET_BATCH_MAX } from '../../common/limits.ts';
import { parseDurationMs } from '../../common/sizes.ts';
import { type Context, callAgentOrHere } from '../context.ts';

interface Ticket {
  readonly association: string;
  readonly machine: string;
  readonly machineName: string;
  readonly token: string;
  readonly expiresAt: string;
}

/** `fleet invite --ticket ASSOCIATION`: the token alone on the last line. */
export async function runTicket(context: Context, association: string, expires: string): Promise<void> {
  const [ticket] = await makeTickets(context, [association], expires);
  if (!ticket) throw new ResettleError('failed', 'the agent made no ticket');
  const { token, ...about } = ticket;
  context.output.message(
    `A ticket for ${about.machineName} as it will be when it was installed anew, good until ${about.expiresAt}. ` +
      'Whoever has it gets that state: hand it over with care.',
  );
  context.output.done({ ...about, token }, [token]);
}

/** `fleet invite --ticket-batch FILE --out DIR`: one new file a machine. No token is shown. */
export async function runTicketBatch(context: Context, file: string, dir: string, expires: string): Promise<void> {
  const wanted = await readList(file);
  const tickets = await makeTickets(context, wanted, expires);
  const files = tickets.map((ticket) => ({ ...ticket, file: join(dir, `${fileName(ticket.machineName)}.ticket`) }));
  await checkFiles(files, dir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const written: string[] = [];
  for (const { file: path, token } of files) {
    await writeNew(path, `${token}\n`, written);
    written.push(path);
  }
  const shown = files.map(({ token: _, ...about }) => about);
  context.output.message(
    `${files.length} tickets, each good once, until ${shown[0]?.expiresAt}. Whoever has one gets that state.`,
  );
  context.output.done(
    { tickets: shown },
    shown.map(({ file: path }) => path),
  );
}

async function makeTickets(context: Context, associations: readonly string[], expires: string): Promise<Ticket[]> {
  const request = { associations: [...associations], expiresMs: parseDurationMs(expires) };
  return (await callAgentOrHere(context, 'fleetTickets', request)).tickets as Ticket[];
}

/** A machine or an association's id a line; blank lines and those that begin with # are left out. */
async function readList(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ResettleError('not-found', `cannot read the list of machines from ${file}`, { cause });
  });
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0 || lines.length > TICKET_BATCH_MAX) {
    throw new ResettleError('usage', `${file} has ${lines.length} machines, and a batch has 1 to ${TICKET_BATCH_MAX}`);
  }
  return lines;
}

/** Names may have anything that does not move a cursor: only plain characters make a file name. */
function fileName(machineName: string): string {
  return machineName.replace(/[^\p{L}\p{N}._-]/gu, '_').replace(/^\./, '_');
}

/** Before anything is written: no file is there yet, and no two tickets want one. */
async function checkFiles(
  files: readonly { readonly file: string; readonly machineName: string }[],
  dir: string,
): Promise<void> {
  const seen = new Set<string>();
  for (const { file, machineName } of files) {
    if (seen.has(file)) {
      throw new ResettleError('usage', `two tickets would be in ${file}: ${machineName} stands in the list twice`, {
        hint: 'a list has each machine once; machines of one name need a batch of their own',
      });
    }
    seen.add(file);
    const isThere = await access(file).then(
      () => true,
      () => false,
    );
    if (isThere) {
      throw new ResettleError('usage', `${file} is there already, and is not overwritten`, {
        hint: `empty ${dir} first, or name another folder with --out DIR`,
      });
    }
  }
}

async function writeNew(path: string, text: string, written: readonly string[]): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    syncFolder(dirname(path));
  } catch (cause) {
    throw new ResettleError('failed', `cannot write ${path}; ${written.length} tickets were written before it`, {
      hint: 'mend that, empty the folder, and run the same command again: tickets that nobody used are void with their files',
      cause,
    });
  }
}
