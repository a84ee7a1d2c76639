/**
 * When mail servers tell of MAIL: together with the first recipient, or at once if look-ups begin there; and how a reload changes
 * that for new connections and for no open one.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type DaemonProcess, startDaemon } from '../support/daemon.ts';
import type { SmtpClient } from '../support/smtp.ts';
import { type Owner, tempDir } from '../support/temp-dir.ts';
import { MilterTap, showPacket } from './support/milter-tap.ts';
import { postfixMissing, startPostfix } from './support/postfix.ts';
import { sendmailMissing, socketDir, startSendmail } from './support/sendmail.ts';
import { startUnbound, unboundMissing } from './support/unbound.ts';

interface Site {
  readonly daemon: DaemonProcess;
  readonly tap: MilterTap;
  connect(owner: Owner, address: string): Promise<SmtpClient>;
  configure(spf: 'off' | 'key'): void;
}

async function site(t: TestContext, server: 'Postfix' | 'Sendmail'): Promise<Site> {
  const directory = server === 'Postfix' ? tempDir(t) : socketDir(t);
  const { port } = await startUnbound(t, { records: ['example.net. 60 TXT "v=spf1 ip4:203.0.113.0/24 -all"'] });
  const file = join(tempDir(t), 'milter-greylist.yaml');
  const configure = (spf: string): void =>
    writeFileSync(file, `greylist: {delay: 1m}\ndns: {resolvers: ['127.0.0.1:${port}']}\nspf: ${spf}\n`);
  configure('off');
  const [target, path] = [join(directory, 'milter.sock'), join(directory, 'tap.sock')];
  const daemon = await startDaemon(t, { socket: target, flags: ['-c', file] });
  const tap = await MilterTap.open(t, path, target);
  if (server === 'Postfix') {
    const postfix = await startPostfix(t, { milters: `unix:${path}` });
    return { daemon, tap, configure, connect: (owner, address) => postfix.connect(owner, { address }) };
  }
  const [, equates = ''] = await daemon.child.line(/`(S=local:.*)'\)dnl$/);
  const sendmail = await startSendmail(t, { milter: equates.replace('milter.sock', 'tap.sock') });
  return { daemon, tap, configure, connect: (owner, address) => sendmail.connect(owner, { address }) };
}

for (const [server, missing] of [
  ['Postfix', postfixMissing || unboundMissing],
  ['Sendmail', sendmailMissing || unboundMissing],
] as const) {
  test(`${server} tells of MAIL at once where SPF is looked up, from the connection after the reload on`, {
    skip: missing,
  }, async t => {
    const { daemon, tap, connect, configure } = await site(t, server);
    /** Commands and answers since the last of these, without macros. */
    let seen = 0;
    const said = (): readonly string[] => {
      const packets = tap.packets.slice(seen);
      seen = tap.packets.length;
      return packets
        .map(showPacket)
        .filter(text => /^[<>] [MRcy]/.test(text))
        .map(text => text.slice(0, 7).trim());
    };
    const reaches = async (command: string): Promise<void> => {
      const from = seen;
      await tap.session(() => tap.packets.slice(from).some(packet => packet.command === command));
    };

    const open = await connect(t, '203.0.113.7');
    await reaches('C');
    said();
    await open.expect(250, 'MAIL FROM:<a@example.net>');
    await open.rcpt('b@example.org');
    assert.deepEqual(said(), ['> M <a@', '> R <b@', '< y 451']);
    configure('key');
    assert.ok(await daemon.reload());
    await open.expect(250, 'RSET');

    const fresh = await connect(t, '203.0.113.9');
    await reaches('C');
    said();
    await fresh.expect(250, 'MAIL FROM:<a@example.net>');
    await reaches('M');
    assert.deepEqual(said().slice(0, 2), ['> M <a@', '< c']);
    await fresh.rcpt('c@example.org');
    await daemon.decision({ recipient: 'c@example.org', spf: 'pass' });
    said();

    // The open connection: its MAIL is not answered, and SPF has its word all the same.
    await open.expect(250, 'MAIL FROM:<a@example.net>');
    await open.rcpt('d@example.org');
    assert.deepEqual(said(), ['> M <a@', '> R <d@', '< y 451']);
    await daemon.decision({ recipient: 'd@example.org', spf: 'pass', reason: 'new' });
    await open.quit();
    await fresh.quit();
  });
}
