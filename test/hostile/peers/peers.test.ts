/** Every behaviour of the table, against one agent: refused with its reason, and the others are served all the same. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Behaviour } from './behaviour.ts';
import { behaviours } from './behaviours/all.ts';
import { Stage } from './stage.ts';

/** So often all of the honest service is asked for; in between a greeting. */
const SERVICE_EVERY = 10;

describe('a hostile peer is refused, and others are served, where it', () => {
  let stage: Stage;
  const begun = new Map<Behaviour, Promise<void>>();
  // Those that the agent's clock ends go on beside the others.
  const inOrder = [...behaviours.filter(({ isSlow }) => !isSlow), ...behaviours.filter(({ isSlow }) => isSlow)];

  before(async () => {
    stage = await Stage.open();
    for (const behaviour of behaviours) {
      if (!behaviour.isSlow) continue;
      const run = behaviour.run(stage);
      run.catch(() => {});
      begun.set(behaviour, run);
    }
  });
  after(() => stage.end());

  for (const [index, behaviour] of inOrder.entries()) {
    const { name, who, protocol } = behaviour;
    it(`${name} (${protocol}, ${who})`, async () => {
      await (begun.get(behaviour) ?? behaviour.run(stage));
      if (index % SERVICE_EVERY === 0) await stage.honestService();
      else await stage.honestGreeting();
      stage.assertUnharmed();
    });
  }

  it('is refused by the agent that it attacks, and the service is as before', async () => {
    await stage.honestService();
    assert.equal((await stage.scene.done('nas', ['status'])).standing, 'active');
    stage.assertUnharmed();
  });
});

it('the table has no name twice, and says of each what must happen', () => {
  const keys = behaviours.map(({ who, protocol, name }) => `${who}/${protocol}/${name}`);
  assert.equal(new Set(keys).size, keys.length);
  assert.ok(behaviours.every(({ must }) => must.length > 10));
});
