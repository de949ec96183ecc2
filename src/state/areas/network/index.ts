/**
 * How a machine is on the network: connections with their secrets, netplan, ifupdown, systemd-networkd, name servers, and
 * for people its adapters, addresses and gateways. What is bound to one adapter goes to the one of its kind.
 */
import { defineArea } from '../base/define-area.ts';
import { activateNetwork } from './activate.ts';
import { captureNetwork } from './capture.ts';
import { checkNetwork } from './check.ts';
import { NETWORK_WRITES } from './file-kinds.ts';
import { planNetwork } from './plan.ts';
import { type NetworkContent, networkContent } from './schema.ts';
import { validateNetwork } from './validate.ts';

export const networkArea = defineArea<NetworkContent>({
  name: 'network',
  version: 1,
  schema: networkContent,
  writes: NETWORK_WRITES,
  capture: captureNetwork,
  plan: planNetwork,
  check: checkNetwork,
  validate: (system) => validateNetwork(system),
  activate: activateNetwork,
});
