/**
 * The number a triplet is stored under: a hash that nobody can aim, since its salt is drawn for each database. Rows lie in
 * the table in the order of their ids, so a triplet is looked up and inserted in one B-tree, without an index beside it.
 */
import { hash } from 'node:crypto';
import type { Triplet } from '../greylist/store.ts';

/** A number from 0 to 2^52 − 1: with some room for the next free id, all are exact as a double. */
export type TripletId = (salt: string, triplet: Triplet) => number;

/** The lengths keep texts with colons and line breaks apart; otherwise someone could make many triplets of one id. */
export const tripletId: TripletId = (salt, { network, sender, recipient }) => {
  const digest = hash('sha256', `${salt}${network.length}:${sender.length}:${network}${sender}${recipient}`, 'binary');
  const high = ((digest.charCodeAt(0) & 0xf) << 16) | (digest.charCodeAt(1) << 8) | digest.charCodeAt(2);
  const low =
    (digest.charCodeAt(3) << 24) | (digest.charCodeAt(4) << 16) | (digest.charCodeAt(5) << 8) | digest.charCodeAt(6);
  return high * 0x1_0000_0000 + (low >>> 0);
};
