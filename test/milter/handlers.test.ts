/**
 * Handlers that take their time: what the MTA is answered meanwhile and then, in which order.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proceed, reject, reply, type Verdict } from '../../src/milter/verdict.ts';
import { settle } from '../support/fixed-timers.ts';
import { A, B, C, deferred, E, ends, errors, H, M, macros, negotiated, packetTexts, R, U } from './support.ts';

test('two packets in one chunk, the first with a slow handler: the second waits its turn', async () => {
  const first = deferred<Verdict>();
  const asked: string[] = [];
  const rig = negotiated({
    rcpt(_message, { address }) {
      asked.push(address);
      return address === 'one' ? first.promise : reply(451, '4.7.1', 'two');
    },
  });
  assert.deepEqual(await rig.sayAndWait(C(), M(), R('<one>'), R('<two>')), ['c', 'c']);
  assert.deepEqual(asked, ['one']);
  first.keep(reply(451, '4.7.1', 'one'));
  await settle();
  assert.deepEqual(rig.heard(), ['y451 4.7.1 one\0', 'y451 4.7.1 two\0']);
});

test('answers leave in the order of their recipients, however long each takes', async () => {
  const waits = new Map<string, ReturnType<typeof deferred<Verdict>>>();
  const rig = negotiated({
    rcpt(_message, { address }) {
      const wait = deferred<Verdict>();
      waits.set(address, wait);
      return wait.promise;
    },
  });
  rig.say(C(), M(), R('<1>'), R('<2>'), R('<3>'));
  for (const address of ['1', '2', '3']) {
    waits.get(address)?.keep(reply(451, '4.7.1', address));
    await settle();
  }
  assert.deepEqual(rig.heard(), ['y451 4.7.1 1\0', 'y451 4.7.1 2\0', 'y451 4.7.1 3\0']);
});

test('ABORT while a recipient is decided: the answer still leaves, then the message ends', async () => {
  const decision = deferred<Verdict>();
  const { seen, options } = ends();
  const rig = negotiated({ ...options, rcpt: () => decision.promise });
  rig.say(C(), M(), R(), A, M());
  assert.deepEqual(seen, []);
  decision.keep(proceed);
  await settle();
  assert.deepEqual(rig.heard(), ['c', 'c']);
  assert.deepEqual(seen, ['1 aborted']);
});

test('a peer that hangs up while a handler thinks: the signals tell it, its answer goes nowhere', async () => {
  const decision = deferred<Verdict>();
  const { seen, options } = ends();
  const signals: AbortSignal[] = [];
  const rig = negotiated({
    ...options,
    rcpt(message) {
      signals.push(message.signal, message.connection.signal);
      return decision.promise;
    },
  });
  rig.say(C(), M(), R());
  rig.session.disconnect();
  assert.deepEqual(
    signals.map(signal => signal.aborted),
    [true, true],
  );
  assert.deepEqual(seen, ['1 disconnected', 'close']);
  decision.keep(proceed);
  await settle();
  assert.deepEqual(rig.heard(), []);
  rig.session.disconnect();
  assert.equal(rig.wire.closed, 1);
});

test('the signal of a message ends with it and not with the next one; who asks late is told at once', () => {
  const messages: { readonly signal: AbortSignal }[] = [];
  const rig = negotiated({
    mail(message) {
      messages.push(message);
      return proceed;
    },
  });
  rig.say(C(), M(), A, M());
  assert.deepEqual(
    messages.map(({ signal }) => signal.aborted),
    [true, false],
  );
});

test('a handler that never answers is answered for after its time; what it says then is lost', async () => {
  const late = deferred<Verdict>();
  const { told, onError } = errors();
  const rig = negotiated({ onError, rcpt: (_message, { address }) => (address === 'slow' ? late.promise : proceed) });
  rig.say(C(), M(), R('<slow>'), R('<next>'));
  rig.wait(7_999);
  assert.deepEqual(rig.heard(), []);
  rig.wait(1);
  assert.deepEqual(rig.heard(), ['t', 'c']);
  assert.deepEqual(told, ['rcpt of 1: no verdict in time at rcpt']);
  late.keep(reject);
  await settle();
  assert.deepEqual(rig.heard(), []);
});

test('at the end of a message there is a minute, and PROGRESS every five seconds', async () => {
  const rig = negotiated({ eom: () => new Promise<Verdict>(() => {}) });
  rig.say(C(), M(), R());
  await rig.sayAndWait(E);
  rig.wait(4_999);
  assert.deepEqual(rig.heard(), []);
  rig.wait(1);
  assert.deepEqual(rig.heard(), ['p']);
  rig.wait(54_999);
  assert.deepEqual(rig.heard(), new Array(10).fill('p'));
  rig.wait(1);
  assert.deepEqual(rig.heard(), ['t']);
  rig.wait(20_000);
  assert.deepEqual(rig.heard(), []);
});

test('PROGRESS is for the end of a message alone: Sendmail takes it for nonsense elsewhere', async () => {
  const rig = negotiated({ rcpt: () => new Promise<Verdict>(() => {}) });
  rig.say(C(), M(), R());
  rig.wait(7_900);
  assert.deepEqual(rig.heard(), []);
});

test('time limits are those of the filter', () => {
  const rig = negotiated({ timeouts: { handler: 1_000 }, rcpt: () => new Promise<Verdict>(() => {}) });
  rig.say(C(), M(), R());
  rig.wait(1_000);
  assert.deepEqual(rig.heard(), ['t']);
});

test('a handler that makes its own peer speak is answered before what that says', () => {
  const rig = negotiated({
    helo(connection) {
      if (connection.helo === 'outer') rig.session.receive(H('inner'));
      return connection.helo === 'outer' ? reply(451, '4.7.1', 'outer') : proceed;
    },
    messageEnd: ({ serial }) => {
      if (serial === 1) rig.session.receive(M());
    },
    mail: ({ serial }) => reply(450, null, String(serial)),
  });
  rig.say(C());
  assert.deepEqual(rig.say(M(), U()), ['y450 1\0', 'c', 'y450 2\0']);
  assert.deepEqual(rig.say(H('outer')), ['y451 4.7.1 outer\0', 'c']);
});

test('a handler that ends its own connection is not answered for any more', () => {
  const { seen, options } = ends();
  const rig = negotiated({
    ...options,
    rcpt() {
      rig.session.disconnect();
      return proceed;
    },
  });
  assert.deepEqual(rig.say(C(), M(), R(), R()), []);
  assert.deepEqual(seen, ['1 disconnected', 'close']);
});

test('the answers to one chunk leave in one write', () => {
  const rig = negotiated({});
  rig.say(C(), H(), M(), R(), B('x'));
  assert.deepEqual(
    rig.wire.writes.slice(1).map(bytes => packetTexts(bytes).length),
    [5],
  );
});

test('handlers are called as methods of their filter', () => {
  class Filter {
    readonly word = 'hello';
    rcpt(): Verdict {
      return reply(451, null, this.word);
    }
  }
  assert.deepEqual(negotiated(new Filter()).say(C(), macros('M'), M(), R()), ['c', 'c', 'y451 hello\0']);
});
