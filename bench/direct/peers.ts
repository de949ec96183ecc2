/** What people use today: tar through a pipe into ssh, and rsync over ssh, both with ssh's own choice of cipher. */
import { mkdirSync } from 'node:fs';
import { SSH_HOST, type Sshd, startSshd } from '../peers/sshd.ts';
import { inside, run } from '../run.ts';
import type { Course, Mover, Session } from './mover.ts';
import type { Place } from './place.ts';

const KEEP = '--acls --xattrs --sparse --numeric-owner';
const PIPE = `set -o pipefail; tar -C "$1" ${KEEP} -cf - . | ssh -F "$2" ${SSH_HOST} "tar -C '$3' ${KEEP} -xpf -"`;

export const tar = overSsh('tar over ssh', (data, into, { clientConfig }) => ({
  program: 'bash',
  args: ['-c', PIPE, 'bash', data, clientConfig, into],
}));

export const rsync = overSsh('rsync', (data, into, { clientConfig }) => ({
  program: 'rsync',
  args: ['-aHAXS', '--numeric-ids', '-e', `ssh -F ${clientConfig}`, `${data}/`, `${SSH_HOST}:${into}/`],
}));

function overSsh(
  name: string,
  commandOf: (data: string, into: string, sshd: Sshd) => { program: string; args: string[] },
): Mover {
  return {
    name,
    async open(base: string, place: Place, timeoutMs: number): Promise<Session> {
      const sshd = await startSshd(base, {}, routeOf(place));
      return {
        names: new Map([[sshd.pid, 'sshd']]),
        async move(data, into): Promise<Course> {
          mkdirSync(into);
          const command = commandOf(data, into, sshd);
          const { program, args } = inside(place.sourceNamespace, command.program, command.args);
          const beganMs = Date.now();
          const began = performance.now();
          await run(program, args, { timeoutMs });
          return { beganMs, seconds: (performance.now() - began) / 1000 };
        },
        close: () => sshd.close(),
      };
    },
  };
}

function routeOf({ host, sourceNamespace, targetNamespace }: Place) {
  return {
    host,
    ...(targetNamespace === undefined ? {} : { serverNamespace: targetNamespace }),
    ...(sourceNamespace === undefined ? {} : { clientNamespace: sourceNamespace }),
  };
}
