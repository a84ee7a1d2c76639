/**
 * Sendmail asks over TCP, by the very line that the daemon prints for it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mailServerLines } from '../../src/cli/start-message.ts';
import { deliver } from '../support/smtp.ts';
import { sendmailMissing as skip, startSendmail } from './support/sendmail.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

for (const socket of ['inet:8892@127.0.0.1', 'inet6:8892@::1', 'inet6:8892@::']) {
  test(`the line printed for ${socket} makes Sendmail ask there`, { skip }, async t => {
    const [, milter = ''] = /INPUT_MAIL_FILTER\(`greylist', `(S=.*)'\)dnl$/m.exec(mailServerLines([socket])) ?? [];
    const sendmail = await startSendmail(t, { milter });
    const daemon = [process.execPath, main, '-s', socket, '--cachedb', ':memory:'];
    await sendmail.spawn(t, daemon).line(/^ {2}listens at /);
    const client = await sendmail.connect(t, { address: '203.0.113.7' });
    const { rcpt } = await deliver(client, { from: 'a@example.net', to: ['b@example.org'] });
    assert.deepEqual(rcpt[0], {
      code: 451,
      enhanced: '4.7.1',
      text: 'Greylisting in action, please come back later (300 secs)',
    });
  });
}
