/**
 * Proves the rig itself: a private Sendmail without a milter takes mail from any address and hands it on.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliver } from '../support/smtp.ts';
import { headers } from '../support/smtp-sink.ts';
import { sendmailMissing as skip, startSendmail } from './support/sendmail.ts';

test('a private Sendmail without a milter takes mail from IPv4 and IPv6 clients', { skip }, async t => {
  const sendmail = await startSendmail(t, { hosts: { '203.0.113.7': 'mail.example.net' } });
  const named = await sendmail.connect(t, { address: '203.0.113.7', helo: 'hello.example.net' });
  const { rcpt, data } = await deliver(named, {
    from: 'a@example.net',
    to: ['b@example.org', 'c@example.org', 'd@example.com'],
  });
  assert.deepEqual(
    rcpt.map(reply => reply.code),
    [250, 250, 550],
  );
  assert.equal(data?.code, 250);
  const message = await sendmail.sink.message();
  assert.deepEqual(message.recipients.toSorted(), ['b', 'c']);
  assert.match(
    headers(message, 'Received')[0] ?? '',
    /^from hello\.example\.net \(mail\.example\.net \[203\.0\.113\.7\]\)/,
  );

  const unnamed = await sendmail.connect(t, { address: '2001:db8::1' });
  await deliver(unnamed, { from: '', to: ['e@example.org'] });
  const bounce = await sendmail.sink.message(({ recipients }) => recipients.includes('e'));
  assert.match(headers(bounce, 'Received')[0] ?? '', /\(\[IPv6:2001:db8:0:0:0:0:0:1\]\)/);
});
