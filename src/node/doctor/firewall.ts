/**
 * A look at this machine's firewall, from what its tools print. Nothing is ever changed. The tools say more than can be
 * understood here, so a finding says "seems", and what is not understood is unknown.
 */
import { type Finding, ok, unknown, warning } from './finding.ts';

/** What a tool printed; undefined when it is not installed, may not be run, or failed. */
export interface FirewallOutputs {
  /** `ufw status verbose` */
  readonly ufw: string | undefined;
  /** `firewall-cmd --list-all` */
  readonly firewalld: string | undefined;
  /** `nft list ruleset` */
  readonly nft: string | undefined;
  /** `iptables -S` */
  readonly iptables: string | undefined;
}

type Opinion = 'open' | 'closed' | 'off';

const mdnsPort = 5353;

function ufwSays(text: string, port: number, protocol: string): Opinion | undefined {
  if (/^Status:\s*inactive/m.test(text)) return 'off';
  if (!/^Status:\s*active/m.test(text)) return undefined;
  const rule = new RegExp(`^${port}(/${protocol})?\\s.*ALLOW`, 'm');
  if (rule.test(text) || !/^Default:\s*(deny|reject)\s*\(incoming\)/m.test(text)) return 'open';
  // ufw's own rules let multicast DNS in, unless somebody took that out: this cannot be seen here.
  return port === mdnsPort ? 'open' : 'closed';
}

function firewalldSays(text: string, port: number, protocol: string): Opinion | undefined {
  if (/not running/i.test(text)) return 'off';
  if (!/^\s*ports:/m.test(text)) return undefined;
  if (/target:\s*ACCEPT/.test(text)) return 'open';
  const ports = /^\s*ports:(.*)$/m.exec(text)?.[1] ?? '';
  const services = /^\s*services:(.*)$/m.exec(text)?.[1] ?? '';
  const isListed = ports.split(/\s+/).some((item) => {
    const [, from, to, kind] = /^(\d+)(?:-(\d+))?\/(\w+)$/.exec(item) ?? [];
    return kind === protocol && Number(from) <= port && port <= Number(to ?? from);
  });
  return isListed || (port === mdnsPort && /\bmdns\b/.test(services)) ? 'open' : 'closed';
}

function nftSays(text: string, port: number, protocol: string): Opinion {
  // Base chains that see what comes in: from their head to the closing bracket.
  const chains = [...text.matchAll(/chain [^{]*\{[^}]*?hook input[^}]*\}/g)].map(([chain]) => chain);
  const drops = chains.filter((chain) => /policy drop/.test(chain) || /^\s*(drop|reject\b.*)\s*$/m.test(chain));
  if (drops.length === 0) return 'open';
  const rule = new RegExp(`${protocol} dport (\\{[^}]*\\b${port}\\b[^}]*\\}|${port}\\b).*accept`);
  return rule.test(text) ? 'open' : 'closed';
}

function iptablesSays(text: string, port: number, protocol: string): Opinion {
  const drops = /^-P INPUT (DROP|REJECT)/m.test(text) || /^-A INPUT -j (DROP|REJECT)/m.test(text);
  if (!drops) return 'open';
  const accepts = text
    .split('\n')
    .some((line) => / -j ACCEPT/.test(line) && line.includes(`-p ${protocol}`) && line.includes(`--dport ${port}`));
  return accepts ? 'open' : 'closed';
}

const COMMANDS: Record<keyof FirewallOutputs, (port: number, protocol: string) => string> = {
  ufw: (port, protocol) => `ufw allow ${port}/${protocol}`,
  firewalld: (port, protocol) => `firewall-cmd --permanent --add-port=${port}/${protocol} && firewall-cmd --reload`,
  nft: (port, protocol) => `let ${protocol} dport ${port} in, in the chain with "hook input"`,
  iptables: (port, protocol) => `iptables -I INPUT -p ${protocol} --dport ${port} -j ACCEPT`,
};

function opinionOf(tool: keyof FirewallOutputs, text: string, port: number, protocol: string): Opinion | undefined {
  if (tool === 'ufw') return ufwSays(text, port, protocol);
  if (tool === 'firewalld') return firewalldSays(text, port, protocol);
  return tool === 'nft' ? nftSays(text, port, protocol) : iptablesSays(text, port, protocol);
}

/** The tool that speaks for the others: ufw and firewalld write the rules that nft and iptables then show. */
function speaker(outputs: FirewallOutputs): [keyof FirewallOutputs, string] | undefined {
  for (const tool of ['ufw', 'firewalld', 'nft', 'iptables'] as const) {
    const text = outputs[tool];
    if (text === undefined) continue;
    const opinion = opinionOf(tool, text, mdnsPort, 'udp');
    if (opinion !== undefined && opinion !== 'off') return [tool, text];
  }
  return undefined;
}

/**
 * Whether this machine's firewall lets discovery and connections in.
 *
 * @param port the TCP port that the agent listens on
 */
export function checkFirewall(outputs: FirewallOutputs, port: number): Finding[] {
  const found = speaker(outputs);
  if (found === undefined) {
    const isOff = Object.values(outputs).some((text) => text !== undefined);
    const why = isOff
      ? 'is switched off, as far as its tools say'
      : 'cannot be looked at: no tool for it is here, or only root may ask it';
    return [(isOff ? ok : unknown)('firewall', 'this machine', `the firewall ${why}`)];
  }
  const [tool, text] = found;
  const doors = [
    [port, 'tcp', 'connections from others'],
    [mdnsPort, 'udp', 'discovery'],
  ] as const;
  return doors.map(([number, protocol, what]) => {
    const subject = `${protocol} ${number}`;
    if (opinionOf(tool, text, number, protocol) !== 'closed')
      return ok('firewall', subject, `${tool} seems to let ${what} in`);
    return warning('firewall', subject, `${tool} seems to keep ${what} out`, COMMANDS[tool](number, protocol));
  });
}
