import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { createZstdCompress } from 'node:zlib';
import { Encrypter } from 'age-encryption';
import { ResettleError } from '../../common/errors.ts';
import type { PackId } from '../../common/ids.ts';
import { scryptRecipient } from '../format/scrypt-stanza.ts';
import type { OpenedSnapshot } from './opened-snapshot.ts';
import { PackFrames, type StateKeys } from './pack-frames.ts';
import { withScratch } from './scratch.ts';
import { surveyForTar, tarOf } from './tar-of-snapshot.ts';
import type { ToolEvents } from './types.ts';
import { walkManifest } from './walk-manifest.ts';

/** Who can open what was exported: age recipients (`age1…`), or who knows a passphrase. */
export type ExportReaders = { readonly recipients: readonly string[] } | { readonly passphrase: string };

export interface ExportOptions {
  readonly snapshot: OpenedSnapshot;
  readonly keys: StateKeys;
  readonly pathOf: (pack: PackId) => string;
  readonly readers: ExportReaders;
  /** Runs `write` with a stream for the bytes, and makes them durable. */
  readonly into: (write: (out: Writable) => Promise<void>) => Promise<void>;
}

export interface ExportResult {
  readonly files: number;
  readonly bytes: number;
  /** Bytes of the sealed archive. */
  readonly writtenBytes: number;
  /** Items whose inode flags a tar archive does not carry. */
  readonly flagged: number;
  /** Files whose holes were written as zeros. */
  readonly filled: number;
}

/**
 * Writes a snapshot as a tar archive, compressed by zstd, sealed by age: `age -d | zstd -d | tar x` opens it without this
 * program. Throws `damaged`, `usage` for a recipient that is none.
 */
export function exportSnapshot(options: ExportOptions, on: ToolEvents): Promise<ExportResult> {
  const { snapshot, keys, readers, into, pathOf } = options;
  const encrypter = encrypterFor(readers);
  return withScratch(async (scratch) => {
    const frames = new PackFrames(pathOf, keys);
    try {
      const survey = await withScratch((first) => surveyForTar(walkManifest(snapshot, frames, first, on.signal)));
      const done = { files: 0, bytes: 0 };
      const total = { totalFiles: survey.files, totalBytes: survey.bytes };
      on.onProgress({ phase: 'export', ...done, ...total });
      const tar = tarOf(walkManifest(snapshot, frames, scratch, on.signal), {
        survey,
        segment: ({ pack, extent }) => frames.segment(pack, extent.segment),
        onFile: (bytes) => {
          done.files += 1;
          done.bytes += bytes;
          on.onProgress({ phase: 'export', ...done, ...total });
        },
      });
      let writtenBytes = 0;
      await into(async (out) => {
        writtenBytes = await sealTo(tar, encrypter, out, on.signal);
      });
      const { flagged, filled } = survey;
      return { ...done, writtenBytes, flagged, filled };
    } finally {
      frames.close();
    }
  });
}

function encrypterFor(readers: ExportReaders): Encrypter {
  const encrypter = new Encrypter();
  if ('passphrase' in readers) {
    encrypter.addRecipient(scryptRecipient(readers.passphrase));
    return encrypter;
  }
  for (const recipient of readers.recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (cause) {
      throw new ResettleError('usage', `not an age recipient: ${recipient.slice(0, 80)}`, {
        hint: 'a recipient begins with age1; "age-keygen" makes a key and prints its recipient',
        cause,
      });
    }
  }
  return encrypter;
}

/** Compresses and seals; returns the bytes written. The first error of any step ends all of them. */
async function sealTo(
  tar: AsyncIterable<Buffer>,
  encrypter: Encrypter,
  out: Writable,
  signal: AbortSignal,
): Promise<number> {
  const zstd = createZstdCompress();
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
    zstd.destroy();
  };
  const compress = pipeline(Readable.from(tar, { objectMode: false }), zstd, { signal });
  let writtenBytes = 0;
  const seal = async (): Promise<void> => {
    const sealed = await encrypter.encrypt(Readable.toWeb(zstd) as ReadableStream<Uint8Array>);
    const count = async function* (source: AsyncIterable<Uint8Array>) {
      for await (const bytes of source) {
        writtenBytes += bytes.length;
        yield bytes;
      }
    };
    await pipeline(Readable.fromWeb(sealed as NodeReadableStream), count, out, { signal });
  };
  await Promise.all([compress.catch(fail), seal().catch(fail)]);
  // A stream that was aborted says so in its own words.
  signal.throwIfAborted();
  if (failure !== undefined) throw failure;
  return writtenBytes;
}
