import { z } from 'zod';

/**
 * What a schema makes of a value that anybody may have written. As `safeParse`, and never throws: zod compares the `length` of what
 * should be a list before it knows that it is one, and an object's `length` can be anything (`{"length":{"toString":null}}`).
 */
export function parseBy<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.ZodSafeParseResult<z.output<Schema>> {
  try {
    return schema.safeParse(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const issue: z.core.$ZodIssueCustom = {
      code: 'custom',
      path: [],
      message: 'a list or a text has a wrong length',
      input: undefined,
    };
    return { success: false, error: new z.ZodError([issue]) as unknown as z.ZodError<z.output<Schema>> };
  }
}
