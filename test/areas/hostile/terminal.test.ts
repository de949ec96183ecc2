import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ApiEvent } from '../../../src/api/contract.ts';
import { Output } from '../../../src/cli/output.ts';

const EVIL = 'x\u001b]0;owned\u0007\u001b[2J\u009b31m\r\u202etxt\n\u2028resettle: all is well';

/** What is written for events, on both streams. */
function shown(t: TestContext, events: readonly ApiEvent[], options: { json: boolean; showsPlan?: boolean }): string {
  const parts: string[] = [];
  const take = (part: string | Uint8Array) => {
    parts.push(String(part));
    return true;
  };
  const mocks = [process.stdout, process.stderr].map((stream) => t.mock.method(stream, 'write', take as never));
  try {
    const output = new Output({ json: options.json, quiet: false });
    if (options.showsPlan) output.shows = 'plan';
    for (const event of events) output.event(event);
    output.message(`${EVIL}`);
    output.error({ event: 'error', message: EVIL, hint: EVIL }, false);
  } finally {
    for (const mock of mocks) mock.mock.restore();
  }
  return parts.join('');
}

const EVENTS: readonly ApiEvent[] = [
  { event: 'skipped', path: EVIL, reason: EVIL },
  { event: 'replaced', path: EVIL },
  { event: 'note', message: EVIL },
  { event: 'item', action: 'create', path: EVIL },
  { event: 'check', verdict: 'ok', name: EVIL, subject: EVIL, message: EVIL, remedy: EVIL },
  ...['withhold', 'ask', 'keep', 'add'].map((action) => ({
    ...{ event: 'area-item', area: 'schedules', item: EVIL, title: EVIL, action, detail: EVIL, effect: 'root-runs' },
    ...{ paths: [], difference: [EVIL] },
  })),
];

for (const showsPlan of [false, true]) {
  test(`no text of a snapshot is obeyed by a terminal, nor makes a line of its own${showsPlan ? ', in a plan either' : ''}`, (t) => {
    const text = shown(t, EVENTS, { json: false, showsPlan });
    assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    assert.doesNotMatch(text, /^resettle: all is well/m);
    assert.match(text, /x\\x1b\]0;owned\\x07/);
  });
}

test('an event a line, and no byte that a terminal obeys, in JSON', (t) => {
  const lines = shown(t, EVENTS, { json: true }).trim().split('\n');
  assert.equal(lines.length, EVENTS.length + 1);
  for (const line of lines) {
    assert.doesNotMatch(line, /\p{Cc}/u);
    assert.ok(JSON.stringify(JSON.parse(line)).includes('owned'));
  }
});
