/**
 * A filter of the milter library under Debian's `miltertest`: stages and edits that the daemon has no use for.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMilter } from '../../src/milter/milter.ts';
import { acceptConnection, proceed, reject, reply, tempfail } from '../../src/milter/verdict.ts';
import { ends, until } from '../milter/support.ts';
import { run } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';
import { missing } from './support/requirement.ts';

const skip = await missing(['miltertest']);

test('miltertest is content with a filter that uses every stage and edit', { skip }, async t => {
  const { seen, options } = ends();
  const heard: string[] = [];
  const answers = { reject, tempfail, later: reply(451, '4.7.1', 'later') };
  const milter = createMilter({
    ...options,
    actions: ['addHeaders', 'changeHeaders', 'addRecipients', 'deleteRecipients', 'replaceBody', 'quarantine'],
    macros: { connect: ['j'], mail: ['i'] },
    connect({ peer, macros }) {
      heard.push(`connect ${'address' in peer ? peer.address : peer.family} j=${macros.get('j')}`);
      if (peer.family === 'unknown') return acceptConnection;
      return peer.family === 'ipv4' && peer.address === '192.0.2.1' ? reject : proceed;
    },
    helo: () => proceed,
    mail: () => proceed,
    rcpt: (_message, { address }) => answers[address.split('@')[0] as keyof typeof answers] ?? proceed,
    data: () => proceed,
    header: { noReply: (_message, { name, value }) => void heard.push(`${name}: ${value}`) },
    eoh: () => proceed,
    body(_message, chunk) {
      heard.push(chunk.toString());
      return proceed;
    },
    eom({ sender, queueId }, edit) {
      heard.push(`eom ${queueId}`);
      edit.addHeader('X-Last', 'one');
      edit.insertHeader(0, 'X-First', 'two');
      edit.changeHeader('Subject', 1, 'new');
      edit.deleteHeader('X-Gone', 1);
      edit.addRecipient('c@example.org');
      edit.deleteRecipient('b@example.org');
      edit.replaceBody('other\r\n');
      edit.quarantine('odd');
      return sender.address.startsWith('refused') ? reply(554, '5.7.1', 'at the end') : proceed;
    },
    unknown: () => proceed,
    onProtocolError: message => heard.push(message),
  });
  t.after(() => milter.close());
  const path = join(tempDir(t), 'milter.sock');
  await milter.listen(path);
  const script = join(import.meta.dirname, 'miltertest-library.lua');
  const { code, stdout, stderr } = await run('miltertest', ['-D', `sock=local:${path}`, '-s', script]);
  assert.equal(`${code}: ${stdout.trim().split('\n').at(-1)}`, '0: OK', stdout + stderr);
  await until(() => milter.connections === 0, 'all sessions are over');
  const content = ['Subject: x', 'hello\r\n', 'eom Q1'];
  assert.deepEqual(heard, [
    'connect 203.0.113.7 j=mx.example.org',
    ...content,
    ...content,
    'connect 192.0.2.1 j=mx.example.org',
    'connect unknown j=mx.example.org',
  ]);
  assert.deepEqual(seen, ['1 aborted', '2 delivered', '3 rejected', 'close', 'close', 'close']);
});
