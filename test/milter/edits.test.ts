import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ActionBit } from '../../src/milter/constants.ts';
import { EditError, EditList } from '../../src/milter/edits.ts';
import { proceed, reject, reply, tempfail } from '../../src/milter/verdict.ts';
import { C, E, M, negotiated, offer, packetTexts, R, type Rig } from './support.ts';

const all = (): EditList => new EditList(0x1ff);
const wire = (edits: EditList): string[] => packetTexts(Buffer.concat(edits.packets()));

test('each edit is the packet that MTAs know', () => {
  const edits = all();
  edits.addHeader('X-A', '1');
  edits.insertHeader(0, 'X-B', 'folded\n value');
  edits.changeHeader('Subject', 2, 'new');
  edits.deleteHeader('X-Old', 1);
  edits.addRecipient('b@example.org');
  edits.addRecipientWithArguments('c@example.org', 'NOTIFY=NEVER');
  edits.deleteRecipient('<d@example.org>');
  edits.changeSender('');
  edits.changeSender('e@example.net', 'SIZE=5');
  assert.deepEqual(wire(edits), [
    'hX-A\x001\0',
    'i\0\0\0\0X-B\0folded\n value\0',
    'm\0\0\0\x02Subject\0new\0',
    'm\0\0\0\x01X-Old\0\0',
    '+<b@example.org>\0',
    '2<c@example.org>\0NOTIFY=NEVER\0',
    '-<d@example.org>\0',
    'e<>\0',
    'e<e@example.net>\0SIZE=5\0',
  ]);
});

test('body packets are one run, quarantine is last, whatever the order of asking', () => {
  const edits = all();
  edits.quarantine('first');
  edits.replaceBody('one\r\n');
  edits.addHeader('X-A', '1');
  edits.replaceBody('two\r\n');
  edits.quarantine('why');
  assert.deepEqual(wire(edits), ['hX-A\x001\0', 'bone\r\n', 'btwo\r\n', 'qwhy\0']);
});

test('a body is cut into packets that every MTA takes, and an empty one is one empty packet', () => {
  const edits = all();
  edits.replaceBody(Buffer.alloc(65_535 * 2 + 1, 0x78));
  assert.deepEqual(
    wire(edits).map(text => text.length - 1),
    [65_535, 65_535, 1],
  );
  const empty = all();
  empty.replaceBody('');
  assert.deepEqual(wire(empty), ['b']);
});

test('an edit of bytes keeps them though the caller writes over his own', () => {
  const bytes = Buffer.from('before');
  const edits = all();
  edits.replaceBody(bytes);
  bytes.fill(0x78);
  assert.deepEqual(wire(edits), ['bbefore']);
});

test('edits that were not negotiated throw, each by its own action', () => {
  const attempts: readonly (readonly [keyof typeof ActionBit, (edits: EditList) => void])[] = [
    ['addHeaders', edits => edits.addHeader('X', 'y')],
    ['addHeaders', edits => edits.insertHeader(0, 'X', 'y')],
    ['changeHeaders', edits => edits.changeHeader('X', 1, 'y')],
    ['changeHeaders', edits => edits.deleteHeader('X', 1)],
    ['addRecipients', edits => edits.addRecipient('a@b')],
    ['addRecipientsWithArguments', edits => edits.addRecipientWithArguments('a@b', 'X=1')],
    ['deleteRecipients', edits => edits.deleteRecipient('a@b')],
    ['changeSender', edits => edits.changeSender('a@b')],
    ['replaceBody', edits => edits.replaceBody('x')],
    ['quarantine', edits => edits.quarantine('x')],
  ];
  for (const [action, attempt] of attempts) {
    const others = new EditList(0x1ff & ~ActionBit[action]);
    const message = `action ${action} was not negotiated with the MTA`;
    assert.throws(() => attempt(others), { name: 'EditError', message });
    assert.deepEqual(wire(others), []);
    attempt(new EditList(ActionBit[action]));
  }
});

test('what would break the header, the envelope or the packet is refused', () => {
  const edits = all();
  for (const name of ['', 'X A', 'X:', 'Ü', 'X\n']) assert.throws(() => edits.addHeader(name, 'y'), EditError, name);
  for (const value of ['a\r\n b', 'a\rb', 'a\nb', 'a\n', 'a\0b', 'a\n\nb']) {
    assert.throws(() => edits.addHeader('X', value), EditError, JSON.stringify(value));
    assert.throws(() => edits.changeHeader('X', 1, value), EditError);
  }
  for (const index of [-1, 0.5, 2 ** 31, Number.NaN])
    assert.throws(() => edits.insertHeader(index, 'X', 'y'), EditError);
  assert.throws(() => edits.changeHeader('X', 0, 'y'), /header index 0: expected a whole number from 1/);
  for (const address of ['a\r\nb', 'a\0b']) assert.throws(() => edits.addRecipient(address), EditError);
  assert.throws(() => edits.changeSender('a@b', 'X=1\r\n'), EditError);
  assert.throws(() => edits.quarantine('a\nb'), EditError);
  assert.throws(() => edits.addHeader('X', 'y'.repeat(65_533)), /edit of 65536 bytes: MTAs take at most 65535/);
  assert.deepEqual(wire(edits), []);
  edits.addHeader('X', 'y'.repeat(65_532));
  assert.equal(wire(edits).length, 1);
});

/** Up to the end of a message, which is then answered. */
function end(rig: Rig): string[] {
  rig.say(C(), M(), R());
  const before = rig.wire.writes.length;
  const answers = rig.say(E);
  assert.equal(rig.wire.writes.length, before + 1, 'edits and verdict leave in one write');
  return answers;
}

test('edits leave before the verdict and in one write with it', () => {
  const rig = negotiated({
    actions: ['addHeaders'],
    eom(_message, edit) {
      edit.addHeader('X-A', '1');
      edit.insertHeader(0, 'X-B', '2');
      return proceed;
    },
  });
  assert.deepEqual(end(rig), ['hX-A\x001\0', 'i\0\0\0\0X-B\x002\0', 'c']);
});

test('a verdict that refuses the message drops its edits', () => {
  for (const [verdict, answer] of [
    [reject, 'r'],
    [tempfail, 't'],
    [reply(451, '4.7.1', 'no'), 'y451 4.7.1 no\0'],
  ] as const) {
    const rig = negotiated({
      actions: ['addHeaders'],
      eom(_message, edit) {
        edit.addHeader('X-A', '1');
        return verdict;
      },
    });
    assert.deepEqual(end(rig), [answer]);
  }
});

test('a handler that fails loses its edits, however it fails and whatever is answered instead', async () => {
  const failures: readonly (() => unknown)[] = [
    () => {
      throw new Error('at once');
    },
    () => Promise.reject(new Error('later')),
    () => undefined,
    () => Promise.resolve('nonsense'),
    () => new Promise(() => {}),
  ];
  for (const fail of failures) {
    const rig = negotiated({
      actions: ['addHeaders'],
      onError: () => proceed,
      eom(_message, edit) {
        edit.addHeader('X-A', '1');
        return fail() as typeof proceed;
      },
    });
    rig.say(C(), M(), R());
    let answers = await rig.sayAndWait(E);
    if (answers.length === 0) {
      rig.wait(60_000);
      answers = rig.heard().filter(text => text !== 'p');
    }
    assert.deepEqual(answers, ['c'], String(fail));
  }
});

test('an edit that the MTA did not agree to is the error of its handler', () => {
  const errors: unknown[] = [];
  const rig = negotiated({
    actions: ['addHeaders'],
    onError(error) {
      errors.push(error);
      return tempfail;
    },
    eom(_message, edit) {
      (edit as unknown as EditList).quarantine('why');
      return proceed;
    },
  });
  assert.deepEqual(end(rig), ['t']);
  assert.ok(errors[0] instanceof EditError);
});

test('edits of one message are gone with it', () => {
  let serial = 0;
  const rig = negotiated(
    {
      actions: ['addHeaders'],
      eom(message, edit) {
        serial += 1;
        if (message.serial === 1) edit.addHeader('X-A', '1');
        return proceed;
      },
    },
    offer(),
  );
  assert.deepEqual(end(rig), ['hX-A\x001\0', 'c']);
  assert.deepEqual(rig.say(M(), R(), E), ['c', 'c', 'c']);
  assert.equal(serial, 2);
});
