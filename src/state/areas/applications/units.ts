import type { Application } from './schema.ts';

/**
 * Why an application is not of use although it is carried: another one, that it is carried together with or not at all, was
 * left out. Looked at from both sides.
 */
export function brokenUnit(application: Application, all: readonly Application[]): string | undefined {
  const partners = all.filter(
    ({ id, one_unit_with }) =>
      id !== application.id && (application.one_unit_with.includes(id) || one_unit_with.includes(application.id)),
  );
  const lost = partners.find(({ left_out }) => left_out !== undefined);
  if (lost) {
    return `${lost.name} was left out (${lost.left_out}), and it is of use only together with it: passwords that it keeps may not open`;
  }
  if (application.left_out === undefined || partners.length === 0) return undefined;
  const others = partners.map(({ name }) => name).join(', ');
  return `it was left out (${application.left_out}), and is one with ${others}: passwords kept there may not open`;
}
