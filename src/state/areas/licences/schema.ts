import { z } from 'zod';
import { LICENCE_FILE_MAX_BYTES, LICENCES_MAX } from '../../../common/limits.ts';
import { configFile, plainPath } from '../base/config-file.ts';

const short = z.string().max(300);
const line = z.string().max(4096);

/** A file that was known for a licence by what it holds. How it is sorted is worked out anew from that, wherever it is read. */
const licence = z.strictObject({
  file: configFile.refine(({ text = '', base64 = '' }) => text.length + base64.length <= LICENCE_FILE_MAX_BYTES * 2),
  /** The captured home that it lies in; it comes with that. */
  home: plainPath.optional(),
});

export const licencesContent = z.strictObject({
  /** Names and FlexNet host ids of the captured machine; ids only where it ran. */
  hostNames: z.array(short).max(100),
  hostIds: z.array(short).max(100),
  licences: z.array(licence).max(LICENCES_MAX),
  variables: z
    .array(
      z.strictObject({
        path: plainPath,
        name: z.string().regex(/^[A-Z][A-Z0-9_]*$/),
        value: line,
        home: plainPath.optional(),
      }),
    )
    .max(LICENCES_MAX),
  /** What a licence manager sealed to the hardware: seen, never carried. */
  stores: z.array(z.strictObject({ path: plainPath, name: short })).max(100),
});
export type LicencesContent = z.infer<typeof licencesContent>;
export type Licence = z.infer<typeof licence>;
