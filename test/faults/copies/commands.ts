/** What can happen in an office with points: each a command of fast-check, drawn at random and made smaller when it fails. */
import fc from 'fast-check';
import { type Capture, somePacks } from '../../node/point/support/office.ts';
import { HOUR_MS, type TestMachine } from './machine.ts';
import type { Terms, TestState, World } from './world.ts';

/** What decides whether a command makes sense; the rest is looked at when it runs. */
export interface Model {
  states: number;
  readonly points: number;
  revoked: number;
}

type Command = fc.AsyncCommand<Model, World>;

interface Act {
  readonly name: string;
  check?(model: Readonly<Model>): boolean;
  run(model: Model, world: World): Promise<void>;
}

/** After each of them nothing may be lost. */
function command({ name, check, run }: Act): Command {
  return {
    check: (model) => check?.(model) ?? true,
    run: async (model, world) => {
      await run(model, world);
      await world.breathe();
      world.checkKept();
    },
    toString: () => name,
  };
}

/** One of those that it makes sense for. */
const oneOf = (machines: readonly TestMachine[], index: number): TestMachine | undefined =>
  machines[index % Math.max(1, machines.length)];
const stateOf = (world: World, index: number): TestState => world.states[index % world.states.length]!;
const hasStates = ({ states }: Readonly<Model>): boolean => states > 0;

const index = fc.nat(59);
const sizes = fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 5 });
const terms: fc.Arbitrary<Terms> = fc.record({
  replicas: fc.integer({ min: 1, max: 3 }),
  keepMs: fc.constantFrom(0, 6 * HOUR_MS),
  deadlineMs: fc.constantFrom(null, null, null, 72 * HOUR_MS),
});

const capture = fc.tuple(index, index, sizes, terms, fc.boolean()).map(([at, which, packs, wish, isNew]) =>
  command({
    name: `capture ${isNew ? 'something new' : `again ${which}`} at ${at}, ${packs.join('+')} bytes, ${JSON.stringify(wish)}`,
    run: async (model, world) => {
      const machine = oneOf(
        world.machines.filter(({ isOpen }) => isOpen),
        at,
      );
      const again = isNew || world.states.length === 0 ? undefined : stateOf(world, which);
      if (machine) await world.capture(machine, somePacks(...packs), wish, again);
      model.states = world.states.length;
    },
  }),
);

/** Something that is done to one of the machines that it fits. */
const toMachine = (
  what: string,
  fits: (machine: TestMachine) => boolean,
  run: (machine: TestMachine) => Promise<void> | void,
) =>
  index.map((at) =>
    command({
      name: `${what} ${at}`,
      run: async (_, world) => {
        const machine = oneOf(world.machines.filter(fits), at);
        if (machine) await run(machine);
      },
    }),
  );

/** Something that is done to what one machine has of a snapshot. */
const toCopy = (what: string, run: (machine: TestMachine, capture: Capture, pack: number) => void) =>
  fc.tuple(index, index, index).map(([at, which, pack]) =>
    command({
      name: `${what} ${pack} of state ${which} at ${at}`,
      check: hasStates,
      run: async (_, world) => {
        const last = stateOf(world, which).captures.at(-1)!;
        const machine = oneOf(
          world.machines.filter((one) => one.has(last)),
          at,
        );
        if (machine) run(machine, last, pack);
      },
    }),
  );

const damage = [
  toCopy('flip pack', (machine, capture, pack) =>
    machine.flip(capture, capture.packs[pack % capture.packs.length]!.id),
  ),
  toCopy('take pack', (machine, capture, pack) =>
    machine.take(capture, capture.packs[pack % capture.packs.length]!.id),
  ),
  toCopy('flip the descriptor beside pack', (machine, capture) => machine.flipDescriptor(capture)),
];

const setDrain = async (machine: TestMachine, isDraining: boolean): Promise<void> => {
  machine.isDraining = isDraining;
  await machine.restart();
};
const setFull = async (machine: TestMachine, isFull: boolean): Promise<void> => {
  machine.isFull = isFull;
  await machine.restart();
};

const goesWrong = [
  toMachine(
    'kill',
    ({ runs }) => runs,
    (machine) => machine.kill(),
  ),
  toMachine(
    'cut off',
    ({ point }) => !point.away,
    ({ point }) => {
      point.away = true;
    },
  ),
  toMachine(
    'drain',
    ({ isDraining }) => !isDraining,
    (machine) => setDrain(machine, true),
  ),
  toMachine(
    'fill the disk of',
    ({ isFull }) => !isFull,
    (machine) => setFull(machine, true),
  ),
];

const getsWell = [
  toMachine(
    'start',
    ({ runs, isRevoked }) => !runs && !isRevoked,
    (machine) => machine.start(),
  ),
  toMachine(
    'join again',
    ({ point }) => point.away,
    ({ point }) => {
      point.away = false;
    },
  ),
  toMachine(
    'drain no more',
    ({ isDraining }) => isDraining,
    (machine) => setDrain(machine, false),
  ),
  toMachine(
    'empty the disk of',
    ({ isFull }) => isFull,
    (machine) => setFull(machine, false),
  ),
];

const revoke = index.map((at) =>
  command({
    name: `revoke ${at}`,
    check: ({ revoked, points }) => points - revoked > 2,
    run: async (model, world) => {
      const machine = oneOf(
        world.machines.filter(({ isRevoked }) => !isRevoked),
        at,
      )!;
      model.revoked += 1;
      machine.isRevoked = true;
      const { peer, machine: of } = machine.point;
      await world.office.append(world.office.fleet.operator, {
        type: 'revocation',
        peerId: peer,
        lastAccepted: of.log.lastLasting(peer),
      });
      // Nobody talks to it any more.
      if (machine.runs) await machine.kill();
    },
  }),
);

const acknowledge = index.map((which) =>
  command({
    name: `acknowledge ${which}`,
    check: hasStates,
    run: (_, world) => world.acknowledge(stateOf(world, which)),
  }),
);

const wait = fc
  .integer({ min: 1, max: 36 })
  .map((steps) =>
    command({ name: `wait ${steps * 10} minutes`, run: (_, world) => world.move((steps * HOUR_MS) / 6) }),
  );

const lookForCopies = fc.constant(command({ name: 'copies come back', run: (_, world) => world.copiesComeBack() }));

/** Rows of up to so many commands; copies are looked for at their end in any case. */
export function commandsOf(most: number): fc.Arbitrary<Iterable<Command>> {
  const often = [capture, wait, lookForCopies, ...getsWell];
  const seldom = [...goesWrong, ...damage, acknowledge, revoke];
  return fc.commands([...often, ...often, ...seldom, capture], { maxCommands: most, size: 'max' });
}
