/**
 * Handlers that go wrong: what the MTA is answered instead, and what the filter is told.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptMessage, proceed, reply, skipBody, tempfail, type Verdict } from '../../src/milter/verdict.ts';
import { settle } from '../support/fixed-timers.ts';
import { A, C, deferred, E, errors, H, K, M, negotiated, offer, Q, R } from './support.ts';

test('a handler that throws, at once or later, is answered by onError, and the connection goes on', async () => {
  for (const [answer, byte] of [
    [tempfail, 't'],
    [proceed, 'c'],
    [reply(451, '4.3.0', 'x'), 'y451 4.3.0 x\0'],
  ] as const) {
    const { told, onError } = errors(answer);
    const rig = negotiated({
      onError,
      rcpt(_message, { address }) {
        if (address === 'now') throw new Error('now');
        return Promise.reject(new Error('later'));
      },
    });
    assert.deepEqual(await rig.sayAndWait(C(), M(), R('<now>'), R('<later>')), ['c', 'c', byte, byte]);
    assert.deepEqual(told, ['rcpt of 1: now', 'rcpt of 1: later']);
    assert.equal(rig.wire.closed, 0);
  }
});

test('without onError a failure is a tempfail, and so is an onError that fails or says what does not fit', async () => {
  const onErrors: readonly (((error: unknown) => Verdict) | undefined)[] = [
    undefined,
    () => {
      throw new Error('again');
    },
    () => undefined as unknown as Verdict,
    () => acceptMessage as unknown as Verdict,
    () => skipBody as unknown as Verdict,
    () => ({ kind: 'proceed' }) as unknown as Verdict,
  ];
  for (const onError of onErrors) {
    const rig = negotiated({
      ...(onError !== undefined && { onError }),
      rcpt: () => {
        throw new Error('first');
      },
    });
    assert.deepEqual(rig.say(C(), M(), R(), R()), ['c', 'c', 't', 't']);
  }
});

test('an answer that is none, or not for this stage, is an error that names the stage', async () => {
  const { told, onError } = errors();
  const answers: unknown[] = [undefined, null, 'proceed', skipBody, Promise.resolve(), Promise.resolve(acceptMessage)];
  const rig = negotiated({ onError, connect: () => answers.shift() as Verdict });
  const commands = Array.from({ length: 5 }, () => C());
  assert.deepEqual(await rig.sayAndWait(...commands), new Array(5).fill('t'));
  assert.deepEqual(told, [
    'connect: handler connect answered nothing (a return is missing)',
    'connect: handler connect answered no verdict for stage connect',
    'connect: handler connect answered no verdict for stage connect',
    'connect: handler connect answered no verdict for stage connect',
    'connect: handler connect answered nothing (a return is missing)',
  ]);
  assert.deepEqual(await rig.sayAndWait(C()), ['a']);
});

test('a listener that fails is told at once, and answered for at the next stage that answers, once', async () => {
  const { told, onError } = errors();
  const rig = negotiated({
    onError,
    mail: {
      noReply() {
        throw new Error('at MAIL');
      },
    },
    rcpt: () => proceed,
  });
  assert.deepEqual(rig.say(C(), M()), ['c']);
  assert.deepEqual(told, ['mail of 1: at MAIL']);
  assert.deepEqual(rig.say(R(), R()), ['t', 'c']);
  assert.equal(told.length, 1);
});

test('a listener that fails later is answered for too, but never in another message or connection', async () => {
  const { told, onError } = errors();
  const fails = [deferred<void>(), deferred<void>(), deferred<void>()];
  let started = 0;
  const rig = negotiated({
    onError,
    mail: { noReply: () => fails[started++]?.promise },
    rcpt: () => proceed,
  });
  rig.say(C(), M());
  fails[0]?.fail(new Error('first'));
  await settle();
  assert.deepEqual(rig.say(R(), A, M()), ['t']);
  rig.say(A);
  fails[1]?.fail(new Error('second'));
  await settle();
  assert.deepEqual(rig.say(M(), R()), ['c']);
  rig.say(K, C());
  fails[2]?.fail(new Error('third'));
  await settle();
  assert.deepEqual(rig.say(M(), R()), ['c']);
  assert.deepEqual(told, ['mail of 1: first', 'mail of 2: second', 'mail of 3: third']);
});

test('a listener that fails where the MTA waits all the same is answered "continue" first', () => {
  const noReply = (): void => {
    throw new Error('x');
  };
  const rig = negotiated({ helo: { noReply } }, offer(2, 0x3f, 0x7f));
  assert.deepEqual(rig.say(C(), H(), M()), ['c', 'c', 't']);
});

test('a state factory that throws is a failed handler, not the end of the connection', () => {
  const { told, onError } = errors();
  let broken = true;
  const make = (what: string) => (): string => {
    if (broken) throw new Error(what);
    return what;
  };
  const states: string[] = [];
  const rig = negotiated({
    onError,
    connectionState: make('connection'),
    messageState: make('message'),
    mail(message) {
      states.push(`${message.connection.state} ${message.state}`);
      return proceed;
    },
  });
  assert.deepEqual(rig.say(C()), ['t']);
  broken = false;
  assert.deepEqual(rig.say(C()), ['c']);
  broken = true;
  assert.deepEqual(rig.say(M()), ['t']);
  broken = false;
  assert.deepEqual(rig.say(M()), ['c']);
  assert.deepEqual(told, ['connect: connection', 'mail of 1: message']);
  assert.deepEqual(states, ['connection message']);
});

test('messageEnd and close may fail, now or later: it is told, and nothing else happens', async () => {
  const { told, onError } = errors();
  for (const fail of [
    () => {
      throw new Error('now');
    },
    () => Promise.reject(new Error('later')),
  ]) {
    const rig = negotiated({ onError, messageEnd: fail, close: fail });
    assert.deepEqual(await rig.sayAndWait(C(), M(), E, M(), Q), ['c', 'c', 'c', 'c']);
    await settle();
  }
  const each = (how: string): string[] => [`messageEnd of 1: ${how}`, `messageEnd of 2: ${how}`, `close: ${how}`];
  assert.deepEqual(told, [...each('now'), ...each('later')]);
});

test('a filter whose onProtocolError fails is no danger to the others', () => {
  const rig = negotiated({
    onProtocolError() {
      throw new Error('x');
    },
  });
  assert.deepEqual(rig.say(R()), ['c']);
  rig.session.receive(Buffer.alloc(4));
  assert.equal(rig.wire.closed, 1);
});
