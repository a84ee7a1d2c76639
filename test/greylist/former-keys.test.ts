import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGreylist, type Greylist, type GreylistOptions } from '../../src/greylist/greylist.ts';
import type { Store } from '../../src/greylist/store.ts';
import type { Timing } from '../../src/greylist/timing.ts';
import type { KeyForm } from '../../src/greylist/triplet.ts';
import type { Logger } from '../../src/log/logger.ts';
import { type Address, parseAddress } from '../../src/net/address.ts';
import { createMemoryStore } from '../../src/stores/memory-store.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';

const DAY = 86_400_000;
const timing: Timing = { delay: 300_000, retryWindow: 2 * DAY, lifetime: 36 * DAY, tooSoon: 0 };
const logger: Logger = { error() {}, warn() {}, info() {}, debug() {} };
const client = parseAddress('203.0.113.7') as Address;
const wide: KeyForm = { prefix4: 24, prefix6: 64 };
const narrow: KeyForm = { prefix4: 32, prefix6: 64 };
const exact: KeyForm = { ...wide, senderKey: 'exact' };

/** Greylists one after the other on one database, as reloads and restarts make them. */
class Place {
  readonly clock = new FixedClock();
  readonly store: Store = createMemoryStore();
  gets = 0;

  greylist(form: KeyForm, more: Partial<GreylistOptions> = {}): Greylist {
    const { clock } = this;
    const store: Store = {
      update: (triplet, decide) => this.store.update(triplet, decide),
      get: triplet => {
        this.gets++;
        return this.store.get(triplet);
      },
      sweep: expiry => this.store.sweep(expiry),
      close: async () => {},
    };
    return createGreylist({ store, clock, timers: new FixedTimers(clock), timing, form, logger, ...more });
  }

  after(form: KeyForm): Partial<GreylistOptions> {
    return { former: [{ form, until: this.clock.now() + timing.lifetime }] };
  }

  async pass(greylist: Greylist, sender: string, key?: string): Promise<void> {
    const terms = key === undefined ? {} : { key };
    await greylist.recipient(client, sender, 'b@example.org', terms);
    this.clock.advance(timing.delay);
    assert.equal((await greylist.recipient(client, sender, 'b@example.org', terms)).reason, 'matured');
  }
}

test('after a change of the prefix a triplet that passed before passes, and is stored under the new one', async () => {
  const place = new Place();
  await place.pass(place.greylist(wide), 'a@example.net');
  const changed = place.greylist(narrow, place.after(wide));
  const peeked = await changed.peek(client, 'a@example.net', 'b@example.org');
  assert.deepEqual([peeked.triplet.network, peeked.outcome.reason], ['203.0.113.7/32', 'known']);
  assert.equal((await changed.recipient(client, 'a@example.net', 'b@example.org')).reason, 'known');
  const stranger = parseAddress('203.0.114.7') as Address;
  assert.equal((await changed.recipient(stranger, 'a@example.net', 'b@example.org')).reason, 'new');
  // It is there by itself from now on.
  assert.equal((await place.greylist(narrow).recipient(client, 'a@example.net', 'b@example.org')).reason, 'known');
});

test('a triplet that was pending under a former key waits anew, and passes then', async () => {
  const place = new Place();
  await place.greylist(wide).recipient(client, 'a@example.net', 'b@example.org');
  const changed = place.greylist(narrow, place.after(wide));
  assert.equal((await changed.recipient(client, 'a@example.net', 'b@example.org')).reason, 'new');
  place.clock.advance(timing.delay);
  assert.equal((await changed.recipient(client, 'a@example.net', 'b@example.org')).reason, 'matured');
});

test('a triplet that passed under a former key and was silent for too long waits', async () => {
  const place = new Place();
  await place.pass(place.greylist(wide), 'a@example.net');
  place.clock.advance(20 * DAY);
  const changed = place.greylist(narrow, place.after(wide));
  place.clock.advance(17 * DAY);
  assert.equal((await changed.recipient(client, 'a@example.net', 'b@example.org')).reason, 'new');
});

test('senders that were told apart exactly are found under their key', async () => {
  const place = new Place();
  await place.pass(place.greylist(exact), 'news-17@example.net');
  const changed = place.greylist(wide, place.after(exact));
  assert.equal((await changed.recipient(client, 'news-18@example.net', 'b@example.org')).reason, 'new');
  const other = new Place();
  await other.pass(other.greylist(exact), 'news-17@example.net');
  const same = other.greylist(wide, other.after(exact));
  assert.equal((await same.recipient(client, 'news-17@example.net', 'b@example.org')).reason, 'known');
  assert.equal((await same.recipient(client, 'news-18@example.net', 'b@example.org')).reason, 'known');
});

test('nothing is looked for twice where both keys are the same, or the time of the former form is over', async () => {
  const place = new Place();
  const changed = place.greylist(wide, place.after(exact));
  await changed.recipient(client, 'a@example.net', 'b@example.org');
  assert.equal(place.gets, 0);
  await changed.recipient(client, 'a-1@example.net', 'b@example.org');
  assert.ok(place.gets > 0);
  place.clock.advance(timing.lifetime + 1);
  place.gets = 0;
  await changed.recipient(client, 'a-2@example.net', 'c@example.org');
  assert.equal(place.gets, 0);
});

test('what passed by its network passes when something vouches for it, and not the other way round', async () => {
  const place = new Place();
  const greylist = place.greylist(wide);
  await place.pass(greylist, 'a@example.net');
  const key = 'spf:example.net';
  assert.equal((await greylist.recipient(client, 'a@example.net', 'b@example.org', { key })).reason, 'known');
  const elsewhere = parseAddress('198.51.100.1') as Address;
  assert.equal((await greylist.recipient(elsewhere, 'a@example.net', 'b@example.org', { key })).reason, 'known');
  assert.equal((await greylist.recipient(elsewhere, 'a@example.net', 'b@example.org')).reason, 'new');
});

test('what passed by its network under a former prefix passes when something vouches for it', async () => {
  const place = new Place();
  await place.pass(place.greylist(wide), 'a@example.net');
  const changed = place.greylist(narrow, place.after(wide));
  const terms = { key: 'spf:example.net' };
  assert.equal((await changed.recipient(client, 'a@example.net', 'b@example.org', terms)).reason, 'known');
});
