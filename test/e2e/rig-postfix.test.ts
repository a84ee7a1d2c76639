/**
 * Proves the rig itself: a private Postfix without a milter takes mail and hands it on.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliver } from '../support/smtp.ts';
import { headers } from '../support/smtp-sink.ts';
import { postfixMissing as skip, startPostfix } from './support/postfix.ts';

test('a private Postfix without a milter takes mail from whoever the client pretends to be', { skip }, async t => {
  const postfix = await startPostfix(t);
  const client = await postfix.connect(t, {
    address: '203.0.113.7',
    name: 'mail.example.net',
    helo: 'hello.example.net',
  });
  const { rcpt, data } = await deliver(client, {
    from: 'a@example.net',
    to: ['b@example.org', 'c@example.org', 'd@example.com'],
  });
  assert.deepEqual(
    rcpt.map(reply => reply.code),
    [250, 250, 554],
  );
  assert.equal(data?.code, 250);
  const message = await postfix.sink.message();
  assert.deepEqual(message.recipients, ['b@example.org', 'c@example.org']);
  assert.match(
    headers(message, 'Received')[0] ?? '',
    /^from hello\.example\.net \(mail\.example\.net \[203\.0\.113\.7\]\)/,
  );
});

test('a client of a private Postfix may come by IPv6, or be logged in', { skip }, async t => {
  const postfix = await startPostfix(t);
  const client = await postfix.connect(t, { address: '2001:db8::1', login: 'alice' });
  await deliver(client, { from: 'a@example.net', to: ['b@example.org'] });
  const message = await postfix.sink.message();
  assert.match(headers(message, 'Received')[0] ?? '', /\[IPv6:2001:db8::1\]/);
  assert.match(postfix.log(), /sasl_username=alice/);
});

test('local programs submit to a private Postfix by the sendmail command', { skip }, async t => {
  const postfix = await startPostfix(t);
  await postfix.sendmail('From: root@mx.example.org\nTo: b@example.org\nSubject: from cron\n\nHello.\n');
  const message = await postfix.sink.message();
  assert.deepEqual(message.recipients, ['b@example.org']);
  assert.deepEqual(headers(message, 'Subject'), ['from cron']);
});
