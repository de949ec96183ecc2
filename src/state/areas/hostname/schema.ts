import { isIP } from 'node:net';
import { z } from 'zod';
import { AREA_FILE_MAX_BYTES, HOSTS_LINES_MAX } from '../../../common/limits.ts';
import { configFile } from '../base/config-file.ts';
import { isHostName, isMachineName } from './hosts-file.ts';

const hostName = z.string().max(255).refine(isHostName, 'a host name');

/** As osquery's `etc_hosts`, lines of the person's own only. */
const hostsLine = z.strictObject({
  address: z
    .string()
    .max(100)
    .refine((text) => isIP(text) !== 0 && !/\s/.test(text), 'an address'),
  hostnames: z.array(hostName).min(1).max(HOSTS_LINES_MAX),
  comment: z
    .string()
    .max(4096)
    .regex(/^[^\p{Cc}]*$/u)
    .optional(),
});

export const hostnameContent = z.strictObject({
  hostname: z.string().refine(isMachineName, 'the name of a machine').optional(),
  /** What the line of its own name in /etc/hosts calls it in full. */
  fqdn: hostName.optional(),
  mailname: hostName.optional(),
  /** /etc/machine-info: the name for people, and what the machine is. */
  machineInfo: z.string().max(AREA_FILE_MAX_BYTES).optional(),
  hosts: z.array(hostsLine).max(HOSTS_LINES_MAX),
  hostKeys: z
    .array(configFile.refine(({ path }) => isHostKeyPath(path), 'an ssh host key'))
    .max(100)
    .refine((files) => new Set(files.map(({ path }) => path)).size === files.length, 'no path more than once'),
});
export type HostnameContent = z.infer<typeof hostnameContent>;

const HOST_KEY = /^\/etc\/ssh\/(ssh_host_[a-z0-9]{1,20}_key)(?:-cert)?(?:\.pub)?$/;
export const isHostKeyPath = (path: string): boolean => HOST_KEY.test(path);
/** `ssh_host_ed25519_key`: private half, public half and certificate have one. */
export const keyNameOf = (path: string): string => HOST_KEY.exec(path)?.[1] ?? path;
