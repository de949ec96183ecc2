/** The hostile process: joins, says that it is ready, floods when it is told to, and says how much it sent. */
import { Peer } from '../../test/hostile/peers/peer.ts';
import { flood, type Target } from './flood.ts';
import { floods } from './floods.ts';

export interface Orders {
  readonly flood: string;
  readonly address: string;
  readonly token: string;
}
export type ToFlooder = { readonly orders: Orders } | 'go' | 'stop';
export type FromFlooder = 'ready' | { readonly sent: number };

const HOSTS = 200;
let isOver = false;
let sent = 0;
let hosts = 0;

function targetOf({ address }: Orders, peer: Peer): Target {
  return {
    address,
    peer,
    host: () => `127.66.1.${1 + (hosts++ % HOSTS)}`,
    sent: (count = 1) => {
      sent += count;
    },
    isOver: () => isOver,
  };
}

const tell = (message: FromFlooder): void => void process.send!(message);
const prepared = Promise.withResolvers<{ flood: (typeof floods)[number]; target: Target }>();

async function prepare(orders: Orders): Promise<void> {
  const chosen = floods.find(({ name }) => name === orders.flood)!;
  const peer = await Peer.make('mallory');
  if (chosen.who === 'member') await peer.join(orders.address, orders.token);
  prepared.resolve({ flood: chosen, target: targetOf(orders, peer) });
  tell('ready');
}

process.on('message', (message: ToFlooder) => {
  if (message === 'go') void prepared.promise.then(({ flood: chosen, target }) => flood(chosen, target));
  else if (message === 'stop') {
    isOver = true;
    tell({ sent });
  } else void prepare(message.orders);
});
process.on('disconnect', () => process.exit());
