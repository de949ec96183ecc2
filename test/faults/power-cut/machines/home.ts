/**
 * A machine that founds a fleet, invites, signs records, counts guesses at codes, and keeps and forgets files of its own.
 * Arguments: its folder.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '../../../../src/common/clock.ts';
import { Home } from '../../../../src/node/home/home.ts';
import { Fleet } from '../../../../src/node/membership/fleet.ts';
import { GuessFile } from '../../../../src/node/pairing/guess-file.ts';
import { say } from '../service.ts';

const dir = process.argv[2]!;
const home = new Home(join(dir, 'homes', 'of', 'resettle'));
const fleet = await Fleet.open({ home, clock: systemClock, random: randomBytes, name: 'laptop' });
say({ identity: fleet.identity.peerId });
await fleet.init({ name: 'office', recovery: { out: join(dir, 'papers', 'recovery'), passphrase: 'correct horse' } });
say({ founded: fleet.identity.peerId });
const guesses = new GuessFile(home);
for (let round = 1; round <= 4; round++) {
  const { hash } = await fleet.log.append(fleet.memberBody({ name: `laptop ${round}` }));
  say({ signed: hash, name: `laptop ${round}` });
  await guesses.update((times) => [...times, systemClock.now()]);
  say({ guesses: round });
  home.write(`round ${round}\n`, 'shares', `share-${round}`);
  say({ kept: round });
  if (round % 2 === 0) {
    home.remove('shares', `share-${round}`);
    say({ forgotten: round });
  }
  home.write(`round ${round}\n`, 'states', 'state');
  say({ newest: round });
}
guesses.close();
fleet.close();
