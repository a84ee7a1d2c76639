import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FormMemory, KeyForms } from '../../src/greylist/key-forms.ts';
import type { KeyForm } from '../../src/greylist/triplet.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers } from '../support/fixed-timers.ts';
import { recordingLogger } from '../support/recording-logger.ts';

const wide: KeyForm = { prefix4: 24, prefix6: 64 };
const narrow: KeyForm = { prefix4: 32, prefix6: 64 };
const LIFETIME = 1_000_000;

class Memory implements FormMemory {
  text: string | undefined;
  writes = 0;
  failing = false;

  read(): string | undefined {
    return this.text;
  }

  async write(text: string): Promise<void> {
    this.writes++;
    if (this.failing) throw new Error('locked');
    this.text = text;
  }
}

function setUp(memory = new Memory()) {
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const { logger, lines } = recordingLogger();
  /** As after a start: nothing in mind. */
  const start = (): KeyForms => new KeyForms({ memory, clock, timers, logger });
  return { memory, timers, clock, lines, start };
}

test('an empty database has no former forms', () => {
  const { start, memory } = setUp();
  assert.deepEqual(start().use(wide, LIFETIME), []);
  assert.equal(memory.writes, 1);
});

test('the form before is told of for a lifetime, over reloads and restarts', () => {
  const { start, clock, memory } = setUp();
  const running = start();
  running.use(wide, LIFETIME);
  const former = [{ form: wide, until: clock.now() + LIFETIME }];
  assert.deepEqual(running.use(narrow, LIFETIME), former);
  assert.deepEqual(running.use(narrow, LIFETIME), former);
  clock.advance(LIFETIME / 2);
  assert.deepEqual(start().use(narrow, LIFETIME), former);
  assert.equal(memory.writes, 2, 'what has not changed is not written');
  clock.advance(LIFETIME / 2 + 1);
  assert.deepEqual(start().use(narrow, LIFETIME), []);
});

test('a change between two runs is noticed', () => {
  const { start, clock } = setUp();
  start().use(wide, LIFETIME);
  assert.deepEqual(start().use(narrow, LIFETIME), [{ form: wide, until: clock.now() + LIFETIME }]);
});

test('a form that comes back is no former one', () => {
  const { start, clock } = setUp();
  const running = start();
  running.use(wide, LIFETIME);
  running.use(narrow, LIFETIME);
  assert.deepEqual(running.use(wide, LIFETIME), [{ form: narrow, until: clock.now() + LIFETIME }]);
});

test('the default said and unsaid is one form', () => {
  const { start } = setUp();
  start().use(wide, LIFETIME);
  assert.deepEqual(start().use({ ...wide, senderKey: 'normalized' }, LIFETIME), []);
  assert.equal(start().use({ ...wide, senderKey: 'exact' }, LIFETIME).length, 1);
});

test('no more than the last four are kept', () => {
  const { start } = setUp();
  const running = start();
  const lengths = [16, 17, 18, 19, 20, 21].map(prefix4 =>
    running.use({ prefix4, prefix6: 64 }, LIFETIME).map(({ form }) => form.prefix4),
  );
  assert.deepEqual(lengths.at(-1), [20, 19, 18, 17]);
});

test('what can not be written is tried again', async () => {
  const { start, memory, timers, lines } = setUp();
  memory.failing = true;
  start().use(wide, LIFETIME);
  await timers.advance(0);
  assert.equal(memory.text, undefined);
  assert.match(lines.join(), /can not note down/);
  memory.failing = false;
  await timers.advance(5_000);
  assert.equal(start().use(narrow, LIFETIME).length, 1);
});

test('after closing it is not tried again, however often the form has changed', async () => {
  const { start, memory, timers } = setUp();
  const running = start();
  memory.failing = true;
  running.use(wide, LIFETIME);
  running.use(narrow, LIFETIME);
  await timers.advance(0);
  assert.equal(timers.size, 1);
  running.use(wide, LIFETIME);
  running.close();
  await timers.advance(0);
  assert.equal(timers.size, 0);
});

test('a memory that makes no sense is said so, and costs no more than a wait', () => {
  for (const text of ['', '{}', '[]', 'null', '{"current":{"prefix4":33,"prefix6":64},"former":[]}', '{"current":7}']) {
    const { start, memory, lines } = setUp();
    memory.text = text;
    assert.deepEqual(start().use(wide, LIFETIME), [], text);
    assert.match(lines.join(), /can not tell/, text);
  }
});
