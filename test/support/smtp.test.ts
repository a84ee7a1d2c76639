import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { test } from 'node:test';
import { deliver, SmtpClient, showReply } from './smtp.ts';
import { headers, SmtpSink } from './smtp-sink.ts';
import { tempDir } from './temp-dir.ts';

test('a message arrives in the sink as it was sent, dots and all', async t => {
  const sink = await SmtpSink.open(t);
  const client = await SmtpClient.connect(t, { port: sink.port, localAddress: '127.0.0.9' });
  await client.ehlo();
  const text = 'X-One: 1\nSubject: long\n\tand folded\nx-one: 2\n\n.dot\nX-One: 3\n';
  const { data } = await deliver(client, { from: 'a@example.net', to: ['b@example.org', 'c@example.org'], text });
  assert.deepEqual(data, { code: 250, enhanced: '2.0.0', text: 'taken' });
  const message = await sink.message();
  assert.deepEqual(message, { sender: 'a@example.net', recipients: ['b@example.org', 'c@example.org'], text });
  assert.deepEqual(headers(message, 'x-one'), ['1', '2']);
  assert.deepEqual(headers(message, 'Subject'), ['long and folded']);
  assert.equal((await client.quit()).code, 221);
});

test('over LMTP the sink answers for each recipient, and a unix socket will do', async t => {
  const path = join(tempDir(t), 'sink');
  const sink = await SmtpSink.open(t, path);
  const client = new SmtpClient(connect(path));
  t.after(() => client.close());
  await client.expect(220);
  await client.expect(250, 'LHLO mta');
  await client.pipeline('MAIL FROM:<>', 'RCPT TO:<b@example.org>', 'RCPT TO:<c@example.org>');
  assert.equal((await client.data()).code, 250);
  assert.equal((await client.reply()).code, 250);
  assert.equal((await sink.message()).sender, '');
});

test('replies of several lines are one value, and a closed connection is an error', async () => {
  const input = new PassThrough();
  const client = new SmtpClient(Duplex.from({ readable: input, writable: new PassThrough() }));
  input.write('250-one\r\n250 two\r\n451-4.7.1 come\r\n451 4.7.1 back\r\n');
  assert.deepEqual(await client.reply(), { code: 250, enhanced: '', text: 'one\ntwo' });
  const reply = await client.reply();
  assert.deepEqual(reply, { code: 451, enhanced: '4.7.1', text: 'come\nback' });
  assert.equal(showReply(reply), '451 4.7.1 come\nback');
  input.end();
  await assert.rejects(client.reply(), /closed the connection/);
});
