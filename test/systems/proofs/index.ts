/**
 * What a system says of itself by its own programs. A proof is a shell script: a restored system has to print what the
 * captured one prints, and a new one something else, so that no proof holds for nothing.
 */
import { inNamespaces } from '../support/chroot.ts';
import { DESK } from './desk.ts';
import { MACHINE } from './machine.ts';
import { PEOPLE_PROOFS } from './people.ts';
import type { Proof } from './proof.ts';

export type { Proof };

export const PROOFS: readonly Proof[] = [...PEOPLE_PROOFS, ...MACHINE, ...DESK];

/** `printers: queues` */
export const nameOf = ({ group, name }: Proof): string => `${group}: ${name}`;

const MARK = '--- proof ';

/** By the proofs' names what each printed, standard error included, and how its script ended. Each in a shell of its own. */
export function prove(root: string, proofs: readonly Proof[] = PROOFS): Map<string, string> {
  const script = proofs
    .map((proof) => [nameOf(proof), proof.script] as const)
    .map(([name, lines]) => `echo; echo '${MARK}${name}'; (\n${lines}\n) 2>&1; echo "ended with $?"`)
    .join('\n');
  const printed = inNamespaces(root, script, { timeoutMs: 600_000 }).split(`\n${MARK}`).slice(1);
  return new Map(
    printed.map((part): [string, string] => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end + 1).trim()];
    }),
  );
}

/** What a system's own programs say of what they would refuse; nothing where all is well. */
export function soundness(root: string): string[] {
  const judges = {
    'pwck -r': 'pwck -r -q; [ $? -le 2 ]',
    'grpck -r': 'grpck -r',
    'visudo -c': 'visudo -c',
    'sshd -t': 'mkdir -p /run/sshd; sshd -t',
    'cupsd -t': '/usr/sbin/cupsd -t',
    'findmnt --verify': "! findmnt --verify | grep -E '[1-9][0-9]* parse error'",
    'NetworkManager --print-config': 'NetworkManager --print-config',
    'netplan generate': 'netplan generate --root-dir /',
    ifquery: 'ifquery --list',
  };
  return Object.entries(judges).flatMap(([name, script]) => {
    const said = inNamespaces(root, `(${script}) 2>&1; echo "ended with $?"`);
    return said.trimEnd().endsWith('ended with 0') ? [] : [`${name}: ${said}`];
  });
}
