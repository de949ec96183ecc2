import type { TestContext } from 'node:test';
import type { LocalSystem } from '../../../src/state/areas/base/local-system.ts';
import type { System, ToolResult } from '../../../src/state/areas/base/system.ts';
import { machineWith, putFile, type TestFile } from './machine.ts';

/** Answers of a machine's programs, by the command line; a function sees what was asked. */
export type Answers = Readonly<Record<string, string | ToolResult | (() => ToolResult)>>;

export interface RunningMachine extends System {
  readonly asked: readonly string[];
}

/** A folder that is seen as a machine that runs, whose programs answer as told and otherwise are not installed. */
export function running(system: LocalSystem, answers: Answers = {}): RunningMachine {
  const asked: string[] = [];
  return {
    root: system.root,
    isLive: true,
    asRoot: system.asRoot,
    asked,
    facts: (path) => system.facts(path),
    read: (path, maxBytes) => system.read(path, maxBytes),
    text: (path, maxBytes) => system.text(path, maxBytes),
    readLink: (path) => system.readLink(path),
    list: (path) => system.list(path),
    isUnreadable: (path) => system.isUnreadable(path),
    run: (tool, args) => {
      const line = [tool, ...args].join(' ');
      asked.push(line);
      const answer = answers[line];
      if (typeof answer === 'function') return answer();
      return typeof answer === 'string' ? { status: 0, stdout: answer, stderr: '' } : answer;
    },
  };
}

export interface TestAdapter {
  readonly mac: string;
  readonly kind?: 'ethernet' | 'wifi';
  readonly carrier?: boolean;
  readonly address?: string;
  readonly isManual?: boolean;
}

/** A machine that runs, with these adapters, a gateway and the files. */
export function runningWith(
  t: TestContext,
  adapters: Readonly<Record<string, TestAdapter>>,
  files: Readonly<Record<string, TestFile>> = {},
  answers: Answers = {},
): RunningMachine {
  const system = machineWith(t, files);
  for (const [name, { mac, kind = 'ethernet', carrier = true }] of Object.entries(adapters)) {
    const at = `/sys/class/net/${name}`;
    putFile(system.root, `${at}/type`, '1\n');
    putFile(system.root, `${at}/address`, `${mac}\n`);
    putFile(system.root, `${at}/mtu`, '1500\n');
    putFile(system.root, `${at}/carrier`, carrier ? '1\n' : '0\n');
    putFile(system.root, `${at}/uevent`, kind === 'wifi' ? 'DEVTYPE=wlan\n' : `INTERFACE=${name}\n`);
    putFile(system.root, `${at}/device/vendor`, '0x8086\n');
  }
  const addresses = Object.entries(adapters).map(([ifname, { address, isManual = false }]) => ({
    ifname,
    addr_info: address
      ? [{ family: 'inet', local: address, prefixlen: 24, scope: 'global', ...(!isManual && { dynamic: true }) }]
      : [],
  }));
  const gateways = Object.entries(adapters).flatMap(([dev, { address }]) =>
    address ? [{ dst: 'default', gateway: address.replace(/\d+$/, '1'), dev }] : [],
  );
  return running(system, {
    'ip -j addr': JSON.stringify(addresses),
    'ip -j route show default': JSON.stringify(gateways),
    'ip -j -6 route show default': '[]',
    ...answers,
  });
}
