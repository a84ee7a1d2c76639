import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpfResults } from '../../src/policy/spf-results.ts';
import type { SpfFinding, SpfPort, SpfQuery } from '../../src/spf/spf.ts';
import { envelopeOf, sessionOf } from './support.ts';

const pass: SpfFinding = { result: 'pass', domain: 'example.net', everyone: false };

/** Answers when it is told to, and remembers what it was asked. */
class FakeSpf implements SpfPort {
  readonly asked: string[] = [];
  readonly answers: ((finding: SpfFinding) => void)[] = [];

  check({ address, helo, sender }: SpfQuery): Promise<SpfFinding> {
    this.asked.push(`${address.text} ${helo} <${sender}>`);
    return new Promise(resolve => this.answers.push(resolve));
  }
}

test('a message is asked about once, from MAIL on, for all who want to know', async () => {
  const port = new FakeSpf();
  const results = new SpfResults(port, []);
  const message = envelopeOf();
  results.begin(message);
  const early = results.of(message);
  const another = results.word({ ...message });
  assert.ok(early instanceof Promise);
  assert.equal(results.latest(message.session), undefined);
  port.answers[0]?.(pass);
  assert.equal(await early, pass);
  assert.equal(await another, 'pass');
  assert.equal(results.of(message), pass, 'without a promise once it is there');
  assert.equal(results.word(message), 'pass');
  assert.equal(results.latest(message.session), 'pass');
  assert.deepEqual(port.asked, ['203.0.113.7 mx.example.net <a@example.net>']);
});

test('a message whose beginning nobody heard of is asked about when it matters', () => {
  const port = new FakeSpf();
  assert.ok(new SpfResults(port, []).of(envelopeOf()) instanceof Promise);
  assert.equal(port.asked.length, 1);
});

test('the next message of a session has its own result, whatever was under way', async () => {
  const port = new FakeSpf();
  const results = new SpfResults(port, []);
  const session = sessionOf();
  results.begin(envelopeOf({ session, sender: 'a@x' }));
  results.begin(envelopeOf({ session, sender: 'b@y' }));
  const second = results.of(envelopeOf({ session, sender: 'b@y' }));
  port.answers[0]?.(pass);
  port.answers[1]?.({ ...pass, result: 'fail' });
  assert.equal((await second)?.result, 'fail');
  assert.equal(results.latest(session), 'fail');
  // The same sender again: asked anew, for the answer may have lapsed.
  results.begin(envelopeOf({ session, sender: 'b@y' }));
  assert.equal(port.asked.length, 3);
  assert.equal(results.latest(session), undefined);
});

test('nobody is asked about our own users, private addresses and clients without one', () => {
  const port = new FakeSpf();
  const results = new SpfResults(port, ['ORIGINATING']);
  for (const message of [
    envelopeOf({ authenticated: 'alice' }),
    envelopeOf({ session: sessionOf({ daemonName: 'ORIGINATING' }) }),
    envelopeOf({ session: sessionOf({ ip: '10.1.2.3' }) }),
    envelopeOf({ session: sessionOf({ ip: '127.0.0.1' }) }),
    envelopeOf({ session: sessionOf({ address: undefined, transport: 'unix' }) }),
  ]) {
    results.begin(message);
    assert.equal(results.of(message), undefined);
    assert.equal(results.word(message), undefined);
  }
  assert.deepEqual(port.asked, []);
});

test('who logs in after a message of a stranger is not taken for one', async () => {
  const port = new FakeSpf();
  const results = new SpfResults(port, []);
  const session = sessionOf();
  const message = envelopeOf({ session });
  results.begin(message);
  port.answers[0]?.(pass);
  await results.of(message);
  results.begin({ ...message, authenticated: 'alice' });
  assert.equal(results.of({ ...message, authenticated: 'alice' }), undefined);
  assert.equal(results.latest(session), undefined);
});
