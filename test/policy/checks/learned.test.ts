/**
 * The checks that use what was learned: autowhite, correspondents, patience.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Result } from '../../../src/dnsbl/result.ts';
import { Zone } from '../../../src/dnsbl/zone.ts';
import { autowhiteCheck } from '../../../src/policy/checks/autowhite.ts';
import { correspondentsCheck } from '../../../src/policy/checks/correspondents.ts';
import { dnsblCheck } from '../../../src/policy/checks/dnsbl.ts';
import { patienceCheck } from '../../../src/policy/checks/patience.ts';
import { createSessionBallots, type SessionBallots } from '../../../src/policy/session-ballots.ts';
import { benchOf, checkOf, decide, envelopeOf, FakeGreylist, reasonOf, sessionOf } from '../support.ts';

const zone = Zone.parse('bl.example');

function resultOf(outcome: Result['outcome']): Result {
  const listing = outcome === 'listed' ? [zone] : [];
  return { outcome, listing, words: [] };
}

function ballotsOf(outcome: Result['outcome'], ended?: Parameters<typeof createSessionBallots>[1]): SessionBallots {
  const result = resultOf(outcome);
  return createSessionBallots(
    { decideNow: () => result, decide: async () => result, review: (_, same) => same },
    ended,
  );
}

/** Knows that some networks are white. */
class Merits {
  readonly white: Set<string>;
  readonly asked: string[] = [];

  constructor(...white: readonly string[]) {
    this.white = new Set(white);
  }

  isWhite(network: string): boolean {
    this.asked.push(network);
    return this.white.has(network);
  }

  revoke(network: string): void {
    this.white.delete(network);
  }
}

const networksOf = (): readonly string[] => ['203.0.113.0/24', '203.0.0.0/16'];

function saidBy(merits: Merits, key?: string, ballots?: SessionBallots): string | undefined {
  const envelope = envelopeOf();
  ballots?.of(envelope.session);
  const word = autowhiteCheck({ merits, networksOf, ballots }).run(envelope, key === undefined ? {} : { key });
  assert.ok(!(word instanceof Promise));
  return reasonOf(word);
}

test('a white network passes, by its name or by the one it had under an earlier prefix; others have no word', () => {
  assert.equal(saidBy(new Merits('203.0.113.0/24')), 'learned');
  assert.equal(saidBy(new Merits('203.0.0.0/16')), 'learned');
  assert.equal(saidBy(new Merits('198.51.100.0/24')), undefined);
});

test('what was advised to stand for the network is asked about first', () => {
  assert.equal(saidBy(new Merits('spf:example.net'), 'spf:example.net'), 'learned');
  assert.equal(saidBy(new Merits('spf:example.net')), undefined, 'only while SPF passes');
  const merits = new Merits();
  saidBy(merits, 'spf:example.net');
  assert.deepEqual(merits.asked, ['spf:example.net', '203.0.113.0/24', '203.0.0.0/16']);
});

test('a client that a blocklist lists is not white, and neither are its networks any more', () => {
  const merits = new Merits('203.0.113.0/24', '203.0.0.0/16', 'spf:example.net', 'spf:example.com');
  assert.equal(saidBy(merits, 'spf:example.net', ballotsOf('listed')), undefined);
  assert.deepEqual([...merits.white], ['spf:example.com']);
  for (const outcome of ['clear', 'unknown'] as const) {
    assert.equal(saidBy(new Merits('203.0.113.0/24'), undefined, ballotsOf(outcome)), 'learned');
  }
});

test('a client without an address is nobody', () => {
  const word = autowhiteCheck({ merits: new Merits(), networksOf, ballots: undefined }).run(
    envelopeOf({ session: sessionOf({ address: undefined, transport: 'unix' }) }),
  );
  assert.equal(word, undefined);
});

test('merits that can not be read give no word: the greylist decides', async () => {
  const merits = {
    isWhite(): boolean {
      throw new Error('disk');
    },
    revoke() {},
  };
  const { policy, lines } = benchOf([autowhiteCheck({ merits, networksOf, ballots: undefined })]);
  assert.equal(await decide(policy), 'greylist new');
  assert.equal(lines.length, 1);
});

test('whoever holds the ballots is told of each result once a session, also of one that comes late or refuses', async () => {
  const told: string[] = [];
  const ended = ({ id }: { id: string }, { outcome }: Result): void => void told.push(`${id} ${outcome}`);
  const ballots = ballotsOf('listed', ended);
  const session = sessionOf({ id: 's7' });
  const { policy } = benchOf([
    dnsblCheck({
      panel: { decideNow: () => undefined, decide: async () => resultOf('clear'), review: (_, same) => same },
      ballots,
      zones: [zone],
      reject: true,
    }),
  ]);
  policy.connect(session);
  assert.equal(await decide(policy, { session }), 'reject dnsbl');
  assert.equal(await decide(policy, { session }), 'reject dnsbl');
  assert.deepEqual(told, ['s7 listed']);
  const late = createSessionBallots(
    { decideNow: () => undefined, decide: async () => resultOf('clear'), review: (_, same) => same },
    ended,
  );
  await late.of(sessionOf({ id: 's8' }))?.promise;
  assert.deepEqual(told, ['s7 listed', 's8 clear']);
});

test('a correspondent passes, and who is none has no word', () => {
  const check = correspondentsCheck({
    isKnown: (sender, recipient) => sender === 'them@example.net' && recipient === 'b@example.org',
  });
  assert.deepEqual(check.run(envelopeOf({ sender: 'them@example.net' })), {
    action: 'accept',
    reason: 'correspondent',
  });
  assert.equal(check.run(envelopeOf({ sender: 'other@example.net' })), undefined);
});

test('impatience is advice to the greylist, also to whom a rule hands over, added to what others advise, and stands in the log', async () => {
  const greylist = new FakeGreylist();
  const tried: unknown[] = [];
  const patience = patienceCheck(
    {
      tried(attempt) {
        tried.push(attempt);
        return { extraDelay: 5, why: ['impatient', 'relay-switcher'] };
      },
    },
    ({ text }) => `${text}/24`,
  );
  const other = checkOf('other', () => ({ action: 'advise', next: 'greylist', greylist: { delay: 9, extraDelay: 1 } }));
  const { policy } = benchOf([other, patience], { greylist });
  const { fields } = await policy.recipient(envelopeOf());
  assert.deepEqual(greylist.terms, [{ delay: 9, extraDelay: 6 }]);
  assert.equal(fields.patience, 'impatient,relay-switcher');
  const attempt = {
    network: '203.0.113.7/24',
    helo: 'mx.example.net',
    sender: 'a@example.net',
    recipient: 'b@example.org',
  };
  assert.deepEqual(tried, [attempt]);
});
