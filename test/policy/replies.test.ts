import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileReplies } from '../../src/policy/replies.ts';
import { TemplateError } from '../../src/policy/reply-text.ts';
import { envelopeOf } from './support.ts';

const line = ({ code, enhanced, text }: { code: number; enhanced: string; text: string }): string =>
  `${code} ${enhanced} ${text}`;

test('the default replies are those that users know', () => {
  const replies = compileReplies();
  const envelope = envelopeOf();
  assert.equal(
    line(replies.greylisted(envelope, 300)),
    '451 4.7.1 Greylisting in action, please come back later (300 secs)',
  );
  assert.equal(
    line(replies.early(envelope, 273)),
    '451 4.7.1 Greylisting still in action, please come back later (273 secs)',
  );
  assert.equal(line(replies.blacklisted(envelope)), '550 5.7.1 Rejected. Address 203.0.113.7 is blacklisted');
  assert.equal(line(replies.fault(envelope, 60)), '451 4.3.0 Temporary failure, please come back later');
});

test('a template of one case leaves the others as they are', () => {
  const replies = compileReplies({ early: '{ID}: {SENDER} to {RECIPIENT} from {ADDR}, {TIME}' });
  assert.equal(
    line(replies.early(envelopeOf(), 61)),
    '451 4.7.1 s1.1: a@example.net to b@example.org from 203.0.113.7, 00:01:01',
  );
  assert.match(replies.greylisted(envelopeOf(), 1).text, /^Greylisting in action/);
});

test('the error of a template names its case', () => {
  assert.throws(
    () => compileReplies({ blacklisted: '{IP}' }),
    (error: unknown) => {
      return error instanceof TemplateError && error.message.startsWith('template "blacklisted": {IP} is not known');
    },
  );
});
