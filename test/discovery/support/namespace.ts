/** Network namespaces that a test makes for itself and removes. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const IPROUTE2 = 'ip';

/** Slows an interface (tc-tbf): room for the largest segment that the kernel hands over, and no deep queue behind it. */
const TRAFFIC_CONTROL = 'tc';
const BURST = '1mb';
const QUEUE = '50ms';

function call(program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

const ip = (...args: string[]): string => call(IPROUTE2, args);

export class Namespace implements Disposable {
  readonly name = `resettle-test-${randomBytes(5).toString('hex')}`;

  constructor() {
    ip('netns', 'add', this.name);
    ip('-n', this.name, 'link', 'set', 'lo', 'up');
  }

  /** Sets a value of this namespace's own network, such as `net.ipv4.ip_forward=1`. */
  sysctl(setting: string): void {
    const [name, value] = setting.split('=') as [string, string];
    const path = `/proc/sys/${name.replaceAll('.', '/')}`;
    ip('netns', 'exec', this.name, 'sh', '-c', `echo ${value} > ${path}`);
  }

  /** Starts a program inside. */
  start(command: string, ...args: string[]): ChildProcess {
    return spawn(IPROUTE2, ['netns', 'exec', this.name, command, ...args]);
  }

  /** A file as it looks inside, such as one beneath /sys/class/net. */
  read(path: string): string {
    return ip('netns', 'exec', this.name, 'cat', path);
  }

  /** Bytes that have come in at an interface, all headers among them. */
  receivedBytes(device: string): number {
    return Number(this.read(`/sys/class/net/${device}/statistics/rx_bytes`));
  }

  /** Lets an interface send at this rate, as tc writes it (`100mbit`), and no faster. */
  slow(device: string, rate: string): void {
    const filter = ['tbf', 'rate', rate, 'burst', BURST, 'latency', QUEUE];
    call(TRAFFIC_CONTROL, ['-n', this.name, 'qdisc', 'add', 'dev', device, 'root', ...filter]);
  }

  /** Runs `ip` inside. */
  ip(...args: string[]): void {
    ip('-n', this.name, ...args);
  }

  /** Adds an interface whose other end is loose: nobody is at it. */
  async addLoose(device: string, cidr: string): Promise<void> {
    this.ip('link', 'add', device, 'type', 'veth', 'peer', 'name', `veth-${device}`);
    this.ip('link', 'set', `veth-${device}`, 'up');
    this.ip('addr', 'add', cidr, 'dev', device);
    this.ip('link', 'set', device, 'up');
    await this.running(device);
  }

  /** Joins this namespace to another by a cable. */
  async joinTo(other: Namespace, device: string, cidr: string, otherCidr: string): Promise<void> {
    this.ip('link', 'add', device, 'type', 'veth', 'peer', 'name', device, 'netns', other.name);
    this.ip('addr', 'add', cidr, 'dev', device);
    other.ip('addr', 'add', otherCidr, 'dev', device);
    this.ip('link', 'set', device, 'up');
    other.ip('link', 'set', device, 'up');
    await this.running(device);
    await other.running(device);
  }

  /** Waits: the system counts an interface as running up to a second after its other end is up. */
  async running(device: string): Promise<void> {
    const untilMs = Date.now() + 10_000;
    while (!ip('-n', this.name, 'link', 'show', 'dev', device).includes('state UP')) {
      if (Date.now() > untilMs) throw new Error(`${device} does not come up`);
      await sleep(20);
    }
  }

  [Symbol.dispose](): void {
    ip('netns', 'del', this.name);
  }
}

/** An Ethernet switch, or an access point: a namespace with nothing but a bridge in it. */
export class Switch extends Namespace {
  #ports = 0;

  constructor() {
    super();
    this.ip('link', 'add', 'br0', 'type', 'bridge');
    this.ip('link', 'set', 'br0', 'up');
  }

  /** Joins a machine to the switch, and returns the name of the port. */
  async connect(machine: Namespace, device: string, cidr: string): Promise<string> {
    const port = `port${this.#ports++}`;
    machine.ip('link', 'add', device, 'type', 'veth', 'peer', 'name', port, 'netns', this.name);
    this.ip('link', 'set', port, 'master', 'br0');
    this.ip('link', 'set', port, 'up');
    machine.ip('addr', 'add', cidr, 'dev', device);
    machine.ip('link', 'set', device, 'up');
    await machine.running(device);
    return port;
  }

  /** Changes a port: `isolated on` keeps it apart from the other isolated ones, `mcast_flood off` gives it no multicast. */
  setPort(port: string, ...settings: string[]): void {
    this.ip('link', 'set', port, 'type', 'bridge_slave', ...settings);
  }
}

/** Why there can be no namespaces here, or false. */
export function namespacesMissing(): string | false {
  if (process.platform !== 'linux') return 'network namespaces are a matter of Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  try {
    new Namespace()[Symbol.dispose]();
    return false;
  } catch (error) {
    return `network namespaces cannot be made: ${String(error)}`;
  }
}
