import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  checkPolicy,
  type Outcome,
  type Policy,
  type Stake,
  stakeOf,
  Tally,
  threshold,
} from '../../src/dnsbl/ballot.ts';
import { Zone } from '../../src/dnsbl/zone.ts';

/** L: listed, N: not listed, A: abstains. */
type Letter = 'L' | 'N' | 'A';
const letters: readonly Letter[] = ['L', 'N', 'A'];
const one: Stake = { min: 0, max: 1 };

function cast(tally: Tally, letter: Letter): void {
  tally.cast(one, letter === 'A' ? undefined : Number(letter === 'L'));
}

/** The outcome when all votes are in, from the definition: l >= k, m > n-k, else unknown. */
function defined(votes: readonly Letter[], k: number): Outcome {
  const [listed, not] = ['L', 'N'].map(letter => votes.filter(vote => vote === letter).length) as [number, number];
  if (listed >= k) return 'listed';
  return not > votes.length - k ? 'clear' : 'unknown';
}

function vectors(length: number): Letter[][] {
  if (length === 0) return [[]];
  return vectors(length - 1).flatMap(rest => letters.map(letter => [...rest, letter]));
}

function outcomeOf(policy: Policy, votes: readonly Letter[]): Outcome | undefined {
  const tally = new Tally(
    threshold(policy, votes.length),
    votes.map(() => one),
  );
  for (const vote of votes) cast(tally, vote);
  return tally.outcome();
}

describe('the table of outcomes', () => {
  const three: readonly (readonly [votes: string, any: Outcome, majority: Outcome, all: Outcome])[] = [
    ['LLL', 'listed', 'listed', 'listed'],
    ['LLN', 'listed', 'listed', 'clear'],
    ['LLA', 'listed', 'listed', 'unknown'],
    ['LNN', 'listed', 'clear', 'clear'],
    ['LNA', 'listed', 'unknown', 'clear'],
    ['LAA', 'listed', 'unknown', 'unknown'],
    ['NNN', 'clear', 'clear', 'clear'],
    ['NNA', 'unknown', 'clear', 'clear'],
    ['NAA', 'unknown', 'unknown', 'clear'],
    ['AAA', 'unknown', 'unknown', 'unknown'],
  ];
  for (const [votes, ...outcomes] of three)
    test(`three zones, ${votes}`, () => {
      assert.deepEqual(
        (['any', 'majority', 'all'] as const).map(policy => outcomeOf(policy, [...votes] as Letter[])),
        outcomes,
      );
    });

  const majorities: readonly (readonly [votes: string, outcome: Outcome])[] = [
    ['LN', 'clear'],
    ['LA', 'unknown'],
    ['LLNN', 'clear'],
    ['LLNA', 'unknown'],
    ['LLAA', 'unknown'],
    ['LLLA', 'listed'],
    ['LLAAA', 'unknown'],
    ['LLNAA', 'unknown'],
    ['LLLAA', 'listed'],
  ];
  for (const [votes, outcome] of majorities)
    test(`a majority of ${votes.length}, ${votes}`, () => {
      assert.equal(outcomeOf('majority', [...votes] as Letter[]), outcome);
    });
});

test('for up to six zones, every k and every vote, the outcome is the defined one', () => {
  for (let n = 1; n <= 6; n++)
    for (let k = 1; k <= n; k++)
      for (const votes of vectors(n))
        assert.equal(outcomeOf({ atLeast: k }, votes), defined(votes, k), `${k} of ${votes}`);
});

test('an abstention never makes a listing that the silent vote would not have made', () => {
  for (let n = 1; n <= 6; n++)
    for (let k = 1; k <= n; k++)
      for (const votes of vectors(n)) {
        if (defined(votes, k) !== 'listed') continue;
        for (const word of ['L', 'N'] as const)
          assert.equal(
            defined(
              votes.map(vote => (vote === 'A' ? word : vote)),
              k,
            ),
            'listed',
            `${k} of ${votes}`,
          );
      }
});

/**
 * The wave rule, exhaustively: up to six zones, every k, every vector of votes in the order of asking (which covers every
 * rotation, since a rotation is another vector) and every order in which the answers of a wave can arrive.
 */
test('waves ask exactly the zones that one after the other would have, in whatever order answers arrive', () => {
  let cases = 0;
  for (let n = 1; n <= 6; n++)
    for (let k = 1; k <= n; k++)
      for (const votes of vectors(n)) {
        const sequential = askOneByOne(votes, k);
        explore(votes, k, [], 0, (asked, outcome) => {
          cases++;
          assert.equal(asked, sequential.asked, `${k} of ${votes}: asked`);
          assert.equal(outcome, sequential.outcome, `${k} of ${votes}: outcome`);
        });
        const full = defined(votes, k);
        assert.equal(sequential.outcome === 'listed', full === 'listed', `${k} of ${votes}: full information`);
        if (sequential.outcome === 'clear' || !votes.includes('A')) assert.equal(sequential.outcome, full);
      }
  assert.ok(cases > 10_000, `${cases} cases`);
});

function tallyOf(votes: readonly Letter[], k: number, arrived: readonly number[]): Tally {
  const tally = new Tally(
    k,
    votes.map(() => one),
  );
  for (const index of arrived) cast(tally, votes[index]!);
  return tally;
}

function askOneByOne(votes: readonly Letter[], k: number): { asked: number; outcome: Outcome } {
  for (let asked = 0; ; asked++) {
    const outcome = tallyOf(votes, k, [...votes.keys()].slice(0, asked)).outcome();
    if (outcome) return { asked, outcome };
  }
}

/** Launches what is needed, then lets each query under way be the next to be answered. */
function explore(
  votes: readonly Letter[],
  k: number,
  arrived: readonly number[],
  launched: number,
  leaf: (asked: number, outcome: Outcome) => void,
): void {
  const tally = tallyOf(votes, k, arrived);
  const outcome = tally.outcome();
  if (outcome) {
    leaf(launched, outcome);
    return;
  }
  const active = launched - arrived.length;
  const open = votes.length - arrived.length;
  const need = tally.need(Array<Stake>(open).fill(one));
  const next = launched + Math.max(0, need - active);
  for (let index = 0; index < next; index++)
    if (!arrived.includes(index)) explore(votes, k, [...arrived, index], next, leaf);
}

describe('a score', () => {
  const stake = (weight: number): Stake => ({ min: Math.min(weight, 0), max: Math.max(weight, 0) });

  test('is reached by weights, and an allow list pulls it down', () => {
    const stakes = [3, 2, -4].map(stake);
    const tally = new Tally(3, stakes);
    tally.cast(stakes[0]!, 3);
    assert.equal(tally.outcome(), undefined, 'the allow list may still speak');
    tally.cast(stakes[2]!, 0);
    assert.equal(tally.outcome(), 'listed');
  });

  test('counts a silent allow list in full for the client', () => {
    const stakes = [3, -4].map(stake);
    const tally = new Tally(3, stakes);
    tally.cast(stakes[0]!, 3);
    tally.cast(stakes[1]!, undefined);
    assert.equal(tally.outcome(), 'unknown');
  });

  const weights = fc.array(
    fc.integer({ min: -3, max: 4 }).filter(weight => weight !== 0),
    { minLength: 1, maxLength: 7 },
  );
  const ballots = weights.chain(given =>
    fc.record({
      weights: fc.constant(given),
      votes: fc.array(fc.constantFrom(...letters), { minLength: given.length, maxLength: given.length }),
      limit: fc.integer({ min: 1, max: 8 }),
    }),
  );

  function score(tally: Tally, stakes: readonly Stake[], votes: readonly Letter[], index: number): void {
    const { min, max } = stakes[index]!;
    const contributions = { L: min + max, N: 0, A: undefined };
    tally.cast(stakes[index]!, contributions[votes[index]!]);
  }

  test('is decided early only as full information decides it', () => {
    fc.assert(
      fc.property(ballots, ({ weights: given, votes, limit }) => {
        const stakes = given.map(stake);
        const tally = new Tally(limit, stakes);
        let early: Outcome | undefined = tally.outcome();
        for (const index of votes.keys()) {
          if (early) break;
          score(tally, stakes, votes, index);
          early = tally.outcome();
        }
        const completions = complete(votes).map(votesOf =>
          votesOf.reduce((sum, vote, index) => sum + (vote === 'L' ? given[index]! : 0), 0),
        );
        if (early === 'listed') assert.ok(completions.every(sum => sum >= limit));
        if (early === 'clear') assert.ok(completions.every(sum => sum < limit));
        if (early === 'unknown') assert.ok(votes.includes('A') && completions.some(sum => sum < limit));
        if (!votes.includes('A')) assert.equal(early, completions[0]! >= limit ? 'listed' : 'clear');
      }),
      { numRuns: 5_000 },
    );
  });

  test('is asked for in waves that cost nothing', () => {
    fc.assert(
      fc.property(ballots, fc.infiniteStream(fc.nat(99)), ({ weights: given, votes, limit }, luck) => {
        const stakes = given.map(stake);
        const sequential = new Tally(limit, stakes);
        let needed = 0;
        while (!sequential.outcome()) score(sequential, stakes, votes, needed++);
        const tally = new Tally(limit, stakes);
        const open: number[] = [];
        let launched = 0;
        while (!tally.outcome()) {
          const waiting = stakes.slice(launched);
          const need = tally.need([...open.map(index => stakes[index]!), ...waiting]);
          for (let more = need - open.length; more > 0; more--) open.push(launched++);
          const [index] = open.splice((luck.next().value ?? 0) % open.length, 1);
          score(tally, stakes, votes, index!);
        }
        assert.equal(launched, needed);
      }),
      { numRuns: 5_000 },
    );
  });
});

/** Every way in which the silent could have voted. */
function complete(votes: readonly Letter[]): Letter[][] {
  const at = votes.indexOf('A');
  if (at < 0) return [[...votes]];
  return (['L', 'N'] as const).flatMap(word => complete(votes.with(at, word)));
}

describe('a policy', () => {
  const zones = (...specs: string[]): Zone[] => specs.map(spec => Zone.parse(spec));

  test('that zones can fulfil is taken', () => {
    for (const policy of ['any', 'all', 'majority', { atLeast: 2 }] as const)
      checkPolicy(policy, zones('a.test', 'b.test'));
    checkPolicy({ score: 5 }, zones('a.test=127.0.0.2*3', 'b.test*2', 'allow.test*-9'));
    for (const policy of ['any', { atLeast: 2 }, { score: 5 }] as const) checkPolicy(policy, []);
  });

  const bad: readonly (readonly [policy: Policy, specs: string[], message: RegExp])[] = [
    [{ atLeast: 0 }, ['a.test'], /policy: number of zones 0 is not a whole number of at least 1/],
    [{ atLeast: 1.5 }, ['a.test'], /policy: number of zones 1\.5 is not/],
    [{ atLeast: 3 }, ['a.test', 'b.test'], /policy: number of zones 3 can't be reached, all zones together come to 2/],
    [{ score: 0 }, ['a.test'], /policy: score 0 is not/],
    [{ score: 4 }, ['a.test*3', 'b.test*-3'], /score 4 can't be reached, all zones together come to 3/],
    ['any', ['a.test', 'allow.test*-2'], /zone "allow\.test": a negative weight \(allow list\) needs a score policy/],
    [{ atLeast: 1 }, ['allow.test*-2'], /needs a score policy/],
  ];
  for (const [policy, specs, message] of bad)
    test(`${JSON.stringify(policy)} over ${specs} is refused`, () => {
      assert.throws(() => checkPolicy(policy, zones(...specs)), message);
    });

  test('never lists when no zone is eligible', () => {
    for (const policy of ['any', 'all', 'majority', { atLeast: 1 }, { score: 1 }] as const)
      assert.equal(new Tally(threshold(policy, 0), []).outcome(), 'clear');
  });

  test('under a score each filter of a zone has its share in the stake', () => {
    const zone = Zone.parse({ zone: 'a.test=127.0.0.2*3', filters: ['127.0.0.3*2', '127.0.0.4*-5'] });
    assert.deepEqual(stakeOf({ score: 3 }, zone.rules), { min: -5, max: 5 });
    assert.deepEqual(stakeOf('any', zone.rules), { min: 0, max: 1 });
  });
});
