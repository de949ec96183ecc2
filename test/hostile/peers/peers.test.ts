/**
 * The behaviours of the table in our own protocols, against one agent: refused with their reason, and the others are served
 * all the same. Those of the layers beneath, and those that wait for a time limit: `npm run test:peers`.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { runBounded } from './behaviour.ts';
import { behaviours } from './behaviours/all.ts';
import { Stage } from './stage.ts';

/** So often all of the honest service is asked for; in between a greeting. */
const SERVICE_EVERY = 10;

const PROTOCOLS: readonly string[] = ['hello', 'join', 'records', 'point', 'blocks', 'shares', 'doctor'];

describe('a hostile peer is refused, and others are served, where it', () => {
  let stage: Stage;
  const ours = behaviours.filter(({ protocol, isSlow }) => !isSlow && PROTOCOLS.includes(protocol));

  before(async () => {
    stage = await Stage.open();
  });
  after(() => stage.end());

  for (const [index, behaviour] of ours.entries()) {
    const { name, who, protocol } = behaviour;
    it(`${name} (${protocol}, ${who})`, async () => {
      await runBounded(behaviour, stage);
      if (index % SERVICE_EVERY === 0) await stage.honestService();
      else await stage.honestGreeting();
      stage.assertUnharmed();
    });
  }

  it('is refused by the agent that it attacks, and the service is as before', async () => {
    await stage.honestService();
    // 3: it lists what was refused.
    const { status, last } = await stage.scene.run('nas', ['status']);
    assert.ok(status === 0 || status === 3, JSON.stringify(last));
    assert.equal(last.standing, 'active');
    stage.assertUnharmed();
  });
});

it('the table has no name twice, and says of each what must happen', () => {
  const keys = behaviours.map(({ who, protocol, name }) => `${who}/${protocol}/${name}`);
  assert.equal(new Set(keys).size, keys.length);
  assert.ok(behaviours.every(({ must }) => must.length > 10));
});
