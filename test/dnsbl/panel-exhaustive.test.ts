/**
 * The panel itself, not only its arithmetic, on every ballot of up to five zones: every k, every vector of votes, every
 * rotation, every order in which answers can arrive. For six zones every order of arrival is tried with one rotation, and two
 * orders (oldest question answered first, youngest first) with the other five: a rotation only names the zones anew.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../src/dns/resolver.ts';
import type { Outcome } from '../../src/dnsbl/ballot.ts';
import { settle } from '../support/fixed-timers.ts';
import { address, failed, HandResolver, nxdomain, plainZones, records, rig, zoneOf } from './support.ts';

type Letter = 'L' | 'N' | 'A';
const answers: Readonly<Record<Letter, Answer>> = { L: records('127.0.0.2'), N: nxdomain, A: failed('servfail') };
const client = address('203.0.113.7');

interface Ballot {
  readonly votes: readonly Letter[];
  readonly k: number;
  readonly rotation: number;
}

/** Runs one ballot; `choose` says which of the open questions is answered next. */
async function run(
  { votes, k, rotation }: Ballot,
  choose: (open: number, step: number) => number,
): Promise<{ outcome: Outcome; asked: readonly number[] }> {
  const resolver = new HandResolver();
  const { panel } = rig(resolver, { atLeast: k }, { zones: zonesOf(votes.length), start: rotation / votes.length });
  const result = panel.decide(client);
  for (let step = 0; resolver.open.length > 0; step++) {
    const query = resolver.open[choose(resolver.open.length, step)]!;
    query.answer(answers[votes[zoneOf(query.name)]!]);
    await settle();
  }
  return { outcome: (await result).outcome, asked: resolver.names.map(zoneOf) };
}

const zoneSets = Array.from({ length: 7 }, (_, count) => plainZones(count));
function zonesOf(count: number): ReturnType<typeof plainZones> {
  return zoneSets[count]!;
}

/** What asking one after the other in this order gives, and what full information gives. */
function expected({ votes, k }: Ballot, order: readonly number[]): { asked: number; outcome: Outcome; full: Outcome } {
  const n = votes.length;
  const outcome = (count: number): Outcome | undefined => {
    const seen = order.slice(0, count).map(index => votes[index]);
    const [l, m, a] = ['L', 'N', 'A'].map(letter => seen.filter(vote => vote === letter).length) as [
      number,
      number,
      number,
    ];
    if (l >= k) return 'listed';
    if (m + a <= n - k) return undefined;
    return m > n - k ? 'clear' : 'unknown';
  };
  let asked = 0;
  while (!outcome(asked)) asked++;
  return { asked, outcome: outcome(asked)!, full: outcome(n)! };
}

function check(ballot: Ballot, { outcome, asked }: { outcome: Outcome; asked: readonly number[] }): void {
  const { votes, k, rotation } = ballot;
  const name = `${k} of ${votes.join('')}, rotation ${rotation}, asked ${asked}`;
  const rest = votes.map((_, index) => index).filter(index => index !== rotation);
  const order = [rotation, ...rest];
  const sequential = expected(ballot, order);
  assert.deepEqual(asked, order.slice(0, sequential.asked), name);
  assert.equal(outcome, sequential.outcome, name);
  assert.equal(outcome === 'listed', sequential.full === 'listed', name);
  if (!votes.includes('A')) assert.equal(outcome, sequential.full, name);
}

function* ballots(n: number): Generator<Ballot> {
  for (let k = 1; k <= n; k++)
    for (let code = 0; code < 3 ** n; code++)
      for (let rotation = 0; rotation < n; rotation++)
        yield {
          k,
          rotation,
          votes: Array.from({ length: n }, (_, index) => 'LNA'[Math.floor(code / 3 ** index) % 3] as Letter),
        };
}

/** Runs a ballot in every order of arrival; returns how many there are. */
async function inEveryOrder(ballot: Ballot): Promise<number> {
  let [runs, choices]: [number, number[]] = [0, []];
  do {
    const widths: number[] = [];
    check(
      ballot,
      await run(ballot, (open, step) => {
        widths[step] = open;
        return choices[step] ?? 0;
      }),
    );
    runs++;
    choices = following(choices, widths);
  } while (choices.length > 0);
  return runs;
}

for (let n = 1; n <= 5; n++)
  test(`${n} zones: decision and questions are those of asking one by one, in every order of arrival`, async () => {
    let runs = 0;
    for (const ballot of ballots(n)) runs += await inEveryOrder(ballot);
    assert.ok(runs >= n * n * 3 ** n, `${runs} runs`);
  });

test('6 zones: the same, in every order of arrival where the first zone begins, in two orders where another does', async () => {
  for (const ballot of ballots(6)) {
    if (ballot.rotation === 0) await inEveryOrder(ballot);
    else {
      check(ballot, await run(ballot, () => 0));
      check(ballot, await run(ballot, open => open - 1));
    }
  }
});

/** The next sequence of choices in lexical order, where step i has `widths[i]` of them; empty after the last. */
function following(choices: readonly number[], widths: readonly number[]): number[] {
  for (let step = widths.length - 1; step >= 0; step--) {
    const choice = choices[step] ?? 0;
    if (choice + 1 < widths[step]!)
      return [...widths.slice(0, step).keys()].map(at => choices[at] ?? 0).concat(choice + 1);
  }
  return [];
}
