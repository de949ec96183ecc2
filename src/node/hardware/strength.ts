import { type Attribute, attributesOf, KIND_SHOWN } from './attributes.ts';
import type { Strength } from './compare.ts';
import type { HardwareFacts } from './facts.ts';

/** How well this machine can be told from others after it was installed anew. */
export function machineStrength(facts: HardwareFacts): Strength {
  if (attributesOf(facts).length === 0) return 'none';
  return facts.virtual === null ? 'strong' : 'weak';
}

/** The same for people, said before a capture in place. */
export function describeStrength(facts: HardwareFacts): string {
  const attributes = attributesOf(facts);
  const strength = machineStrength(facts);
  if (strength === 'strong') return `after it was installed anew, this machine is known by ${listOf(attributes)}`;
  const only = 'so only the ticket tells who may restore: give it to nobody else';
  const where = facts.virtual === null ? '' : `, which is ${facts.virtual},`;
  return strength === 'weak'
    ? `this machine${where} has virtual hardware ids only: a mix-up is warned of, not stopped, ${only}`
    : `this machine${where} has no stable hardware id: a mix-up is not noticed, ${only}`;
}

function listOf(attributes: readonly Attribute[]): string {
  const adapters = attributes.filter(({ kind }) => kind === 'mac').length;
  const ids = attributes.flatMap(({ kind }) => (kind === 'mac' ? [] : [`its ${KIND_SHOWN[kind]}`]));
  const macs = adapters === 0 ? [] : [adapters === 1 ? 'its network adapter' : `${adapters} network adapters`];
  return [...ids, ...macs].join(', ').replace(/, ([^,]*)$/, ' and $1');
}
