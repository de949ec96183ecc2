/**
 * Who a machine is: its name, what it calls itself by mail and to people, own lines of /etc/hosts, its ssh host keys. Only
 * the same machine, installed anew, gets these back; another one keeps its own.
 */
import { defineArea } from '../base/define-area.ts';
import { activateHostname } from './activate.ts';
import { captureHostname } from './capture.ts';
import { checkHostname } from './check.ts';
import { planHostname } from './plan.ts';
import { type HostnameContent, hostnameContent } from './schema.ts';
import { validateHostname } from './validate.ts';

export const hostnameArea = defineArea<HostnameContent>({
  name: 'hostname',
  version: 1,
  schema: hostnameContent,
  writes: ['/etc/hostname', '/etc/hosts', '/etc/mailname', '/etc/machine-info', '/etc/ssh/ssh_host_*'],
  capture: captureHostname,
  plan: planHostname,
  check: checkHostname,
  validate: (system) => validateHostname(system),
  activate: activateHostname,
});
