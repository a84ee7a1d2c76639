import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Check } from '../../src/policy/check.ts';
import type { Decision } from '../../src/policy/decision.ts';
import type { Accept } from '../../src/policy/verdict.ts';
import { settle } from '../support/fixed-timers.ts';
import {
  atOnce,
  type Bench,
  benchOf,
  checkOf,
  decide,
  envelopeOf,
  FakeGreylist,
  known,
  never,
  rejecting,
  tell,
  waiting,
} from './support.ts';

const accepting: Accept = { action: 'accept', reason: 'whitelist' };
const greylist = new FakeGreylist({ 'b@example.org': waiting(300) });

/** The three ways to fail, each as a check. The last needs time to go by. */
const failures: Readonly<Record<string, (more: Partial<Check>) => Check>> = {
  throws: more =>
    checkOf(
      'broken',
      () => {
        throw new Error('no');
      },
      more,
    ),
  rejects: more => checkOf('broken', () => Promise.reject(new Error('no')), more),
  'never answers': more => checkOf('broken', () => never(), more),
  'gives nonsense': more => checkOf('broken', () => null as unknown as undefined, more),
};

/** Decides, and lets as much time go by as a check may take by default. */
async function decideWithTime({ policy, timers }: Bench): Promise<Decision> {
  const pending = policy.recipient(envelopeOf());
  await timers.advance(3_000);
  return pending;
}

test('checks that answer at once give a decision at once, without a promise', () => {
  const { policy } = benchOf([checkOf('silent', () => undefined), checkOf('white', () => accepting)]);
  const decision = atOnce(policy.recipient(envelopeOf()));
  assert.equal(tell(decision.verdict), 'accept whitelist');
  assert.equal(decision.check, 'white');
  assert.deepEqual(decision.failed, []);
});

test('a check that answers later is waited for, and the next one is asked after it', async () => {
  const order: string[] = [];
  const slow = checkOf('slow', async () => {
    order.push('slow asked');
    await settle();
    order.push('slow answered');
    return undefined;
  });
  const next = checkOf('next', () => {
    order.push('next asked');
    return rejecting();
  });
  assert.equal(await decide(benchOf([slow, next]).policy), 'reject dnsbl');
  assert.deepEqual(order, ['slow asked', 'slow answered', 'next asked']);
});

for (const [how, failing] of Object.entries(failures)) {
  test(`a check that ${how} gives no word, and the chain goes on`, async () => {
    const bench = benchOf([failing({ canAccept: false }), checkOf('next', () => rejecting())]);
    const decision = await decideWithTime(bench);
    assert.equal(tell(decision.verdict), 'reject dnsbl');
    assert.deepEqual(decision.failed, ['broken']);
    assert.deepEqual(bench.faults.counts(), [{ check: 'broken', effect: 'no-word', count: 1 }]);
    assert.equal(bench.lines.length, 1);
  });

  test(`a DNSBL that ${how} leaves greylisting in force`, async () => {
    const decision = await decideWithTime(benchOf([failing({ name: 'dnsbl' })], { greylist }));
    assert.equal(tell(decision.verdict), 'greylist new');
    assert.deepEqual(decision.failed, ['dnsbl']);
  });

  test(`after a check that could have accepted ${how}, the recipient gets no 5xx any more`, async () => {
    const bench = benchOf(
      [
        failing({ canAccept: true }),
        checkOf('dnsbl', () => rejecting()),
        checkOf('black', () => rejecting('blacklist')),
      ],
      { greylist },
    );
    const decision = await decideWithTime(bench);
    assert.equal(tell(decision.verdict), 'greylist new');
    assert.equal(decision.withheld, 'dnsbl');
  });

  test(`after a check that could have accepted ${how}, a later one may still accept`, async () => {
    const bench = benchOf([
      failing({ canAccept: true }),
      checkOf('dnsbl', () => rejecting()),
      checkOf('own', () => accepting),
    ]);
    assert.equal(tell((await decideWithTime(bench)).verdict), 'accept whitelist');
  });

  test(`an acceptance before the check that ${how} is untouched by it`, async () => {
    const bench = benchOf([checkOf('own', () => accepting), failing({})]);
    assert.equal(tell((await decideWithTime(bench)).verdict), 'accept whitelist');
    assert.deepEqual(bench.faults.counts(), []);
  });

  test(`a greylist that ${how} accepts, and 451 with reason fault if failure is to be temporary`, async () => {
    const run = () => failing({}).run(envelopeOf()) as unknown as ReturnType<FakeGreylist['recipient']>;
    for (const [onFailure, verdict, effect] of [
      ['accept', 'accept fault', 'accepted'],
      ['tempfail', 'greylist fault', 'tempfailed'],
    ] as const) {
      const bench = benchOf([], { greylist: { recipient: run }, onFailure });
      const decision = await decideWithTime(bench);
      assert.equal(tell(decision.verdict), verdict);
      assert.equal(decision.check, 'greylist');
      assert.deepEqual(decision.failed, ['greylist']);
      assert.deepEqual(bench.faults.counts(), [{ check: 'greylist', effect, count: 1 }]);
    }
  });
}

test('a failed check of another recipient withholds nothing from this one', async () => {
  const moody = checkOf(
    'moody',
    ({ recipient }) => {
      if (recipient === 'x@example.org') throw new Error('no');
      return undefined;
    },
    { canAccept: true },
  );
  const { policy } = benchOf([moody, checkOf('dnsbl', () => rejecting())], { greylist });
  assert.equal(await decide(policy, { recipient: 'x@example.org' }), 'greylist new');
  assert.equal(await decide(policy), 'reject dnsbl');
});

test('a temporary failure is told with 451 and the fault’s own text', async () => {
  const { policy } = benchOf([], {
    greylist: new FakeGreylist({ 'b@example.org': new Error('disk full') }),
    onFailure: 'tempfail',
  });
  const { verdict } = await policy.recipient(envelopeOf());
  assert.ok(verdict.action === 'greylist');
  assert.deepEqual(verdict.reply, { code: 451, enhanced: '4.3.0', text: 'Temporary failure, please come back later' });
});

test('a check has three seconds, or as many as it says', async () => {
  for (const [deadline, milliseconds] of [
    [undefined, 3_000],
    [500, 500],
    [5_000, 5_000],
  ] as const) {
    const { policy, timers } = benchOf([checkOf('slow', () => never(), deadline ? { deadline } : {})], { greylist });
    let decided = false;
    const pending = Promise.resolve(policy.recipient(envelopeOf())).then(decision => {
      decided = true;
      return decision;
    });
    await timers.advance(milliseconds - 1);
    assert.equal(decided, false);
    await timers.advance(1);
    assert.equal(decided, true);
    assert.equal((await pending).elapsed, milliseconds);
  }
});

test('the whole chain has seven seconds; when they are over the greylist counts as failed', async () => {
  const asking = new FakeGreylist();
  const slow = (name: string) => checkOf(name, () => never(), { canAccept: true });
  const { policy, timers, faults } = benchOf([slow('a'), slow('b'), slow('c'), slow('d')], { greylist: asking });
  const pending = policy.recipient(envelopeOf());
  await timers.advance(6_999);
  assert.equal(faults.counts().length, 2);
  await timers.advance(1);
  const decision = await pending;
  assert.equal(tell(decision.verdict), 'accept fault');
  assert.equal(decision.elapsed, 7_000);
  assert.deepEqual(decision.failed, ['a', 'b', 'c', 'greylist']);
  assert.deepEqual(asking.asked, []);
  assert.equal(timers.size, 0);
});

test('the greylist has no more time than the chain has left', async () => {
  const slow = (name: string) => checkOf(name, () => never());
  const silent = { recipient: () => never<never>() };
  const { policy, timers } = benchOf([slow('a'), slow('b')], { greylist: silent, onFailure: 'tempfail' });
  const pending = policy.recipient(envelopeOf());
  await timers.advance(7_000);
  const decision = await pending;
  assert.equal(tell(decision.verdict), 'greylist fault');
  assert.equal(decision.elapsed, 7_000);
});

test('a verdict that comes with the last moment still counts', async () => {
  const bench = benchOf([]);
  const late = checkOf('late', async () => {
    bench.clock.advance(8_000);
    return rejecting();
  });
  const { policy } = benchOf([late], { clock: bench.clock, timers: bench.timers });
  assert.equal(await decide(policy), 'reject dnsbl');
});

test('a callout sender is let pass at RCPT even if the time is up', async () => {
  for (const onFailure of ['accept', 'tempfail'] as const) {
    const { policy, timers } = benchOf([checkOf('slow', () => never(), { deadline: 60_000 })], { onFailure });
    const pending = policy.recipient(envelopeOf({ sender: '' }));
    await timers.advance(7_000);
    assert.equal(tell((await pending).verdict), 'accept end-of-message');
  }
});

test('what comes after a deadline changes nothing', async () => {
  let answer: (word: Accept) => void = () => {};
  const slow = checkOf('slow', () => new Promise(resolve => (answer = resolve)));
  const { policy, timers } = benchOf([slow], { greylist });
  const pending = policy.recipient(envelopeOf());
  await timers.advance(3_000);
  answer(accepting);
  await settle();
  assert.equal(tell((await pending).verdict), 'greylist new');
});

test('the log gets the fields of the checks that were asked, and only of those', async () => {
  const asked = checkOf('dnsbl', () => undefined, { logFields: ({ id }) => ({ dnsbl: `clear ${id}` }) });
  const deciding = checkOf('own', () => accepting, { logFields: () => ({ own: 'yes', none: undefined }) });
  const later = checkOf('later', () => undefined, { logFields: () => ({ later: 'never' }) });
  const { policy } = benchOf([asked, deciding, later]);
  assert.deepEqual(atOnce(policy.recipient(envelopeOf())).fields, { dnsbl: 'clear s1', own: 'yes', none: undefined });
});

test('fields that can’t be had cost the fields, not the verdict', async () => {
  const broken = checkOf('broken', () => undefined, {
    logFields: () => {
      throw new Error('no');
    },
  });
  const { policy, faults } = benchOf([broken], { greylist: new FakeGreylist({ 'b@example.org': known }) });
  const decision = await policy.recipient(envelopeOf());
  assert.equal(tell(decision.verdict), 'accept known');
  assert.deepEqual(decision.failed, []);
  assert.deepEqual(faults.counts(), [{ check: 'broken', effect: 'no-log-fields', count: 1 }]);
});

test('a store that fails a thousand recipients accepts each of them and counts each', async () => {
  const { policy, faults } = benchOf([], { greylist: { recipient: () => Promise.reject(new Error('disk full')) } });
  for (let turn = 0; turn < 1_000; turn++) assert.equal(await decide(policy), 'accept fault');
  assert.deepEqual(faults.counts(), [{ check: 'greylist', effect: 'accepted', count: 1_000 }]);
});

for (const [what, said] of [
  ['a bare word', 'accept'],
  ['true', true],
  ['an unknown action', { action: 'Reject', reason: 'own-check', reply: { code: 550, enhanced: '5.7.1', text: 'x' } }],
  ['a rejection without a reply', { action: 'reject', reason: 'own-check' }],
  ['a function', () => undefined],
] as const) {
  test(`a check that says what is no word, ${what}, counts as failed`, async () => {
    for (const run of [() => said as never, async () => said as never]) {
      const { policy, lines } = benchOf([checkOf('careless', run), checkOf('next', () => rejecting('rule'))]);
      const decision = await policy.recipient(envelopeOf());
      assert.equal(tell(decision.verdict), 'reject rule');
      assert.deepEqual(decision.failed, ['careless']);
      assert.equal(lines[0]?.message, 'check careless failed');
    }
  });
}
