/**
 * What clients see of greylisting, whichever mail server stands in front: one test a case. Cases run at the same time on one
 * mail system, and are kept apart by their senders.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliver, type SmtpReply, showReply } from '../../support/smtp.ts';
import { headers } from '../../support/smtp-sink.ts';
import type { MailSystem, Who } from './mail-system.ts';
import { assertTold, delayTold, secondsBetween, timed, waitOf, waitUntil } from './waiting.ts';

/**
 * The `--greytimeout` that the cases count on, in milliseconds: long enough for a second attempt in between,
 * also on a busy machine. Cases wait side by side, so it costs its length once.
 */
export const DELAY = 8_000;

/** The wait that a newcomer is told. */
const fresh = { still: false, seconds: DELAY / 1000 };

const mx: Who = { address: '203.0.113.7', helo: 'mx.example.net' };

/** Registers the cases in the suite at hand. `started` gives the system, once it is up. */
export function greylistCases(started: () => MailSystem): void {
  test('a newcomer is told to wait, then to wait for the rest, and passes when that is over', async t => {
    const system = started();
    const mail = { from: 'newcomer@example.net', to: ['b@example.org'] };
    const [first, attempted] = await timed(() => system.deliver(t, mx, mail));
    assert.deepEqual(first.rcpt.map(waitOf), [fresh]);

    await waitUntil(attempted.latest + 1_100);
    const [second, again] = await timed(() => system.deliver(t, mx, mail));
    const { still, seconds } = waitOf(second.rcpt[0]);
    const [least, most] = secondsBetween(attempted, again);
    assert.equal(still, true);
    assert.ok(fresh.seconds - most <= seconds && seconds <= fresh.seconds - least, `${seconds} secs left`);
    assert.ok(seconds < fresh.seconds);

    await waitUntil(again.latest + seconds * 1000);
    const [third, passed] = await timed(() => system.deliver(t, mx, mail));
    assert.deepEqual(codes(third.rcpt), [250]);
    assert.equal(third.data?.code, 250);
    const message = await system.server.sink.message(({ sender }) => sender === mail.from);
    assertTold(message, attempted, passed);
    const decision = await system.daemon.decision({ reason: 'matured', sender: mail.from });
    assert.equal(decision.delay, `${delayTold(message)}`);
  });

  test('who has passed is not made to wait again, and the header of another host is left alone', async t => {
    const system = started();
    const mail = { from: 'regular@example.net', to: ['b@example.org'] };
    await mature(t, system, mx, mail.from, mail.to);
    const text = 'X-Greylist: delayed 9 seconds by another at mx.example.net\nSubject: second\n\nHello.\n';
    const { rcpt, data } = await system.deliver(t, mx, { ...mail, text });
    assert.deepEqual([...codes(rcpt), data?.code], [250, 250]);
    const message = await system.server.sink.message(
      each => each.sender === mail.from && each.text.includes('Subject: second'),
    );
    assert.deepEqual(headers(message, 'X-Greylist'), ['delayed 9 seconds by another at mx.example.net']);
    await system.daemon.decision({ reason: 'known', sender: mail.from });
  });

  test('another sender, another recipient and another network wait anew; a neighbour in the /24 does not', async t => {
    const system = started();
    const from = 'moving@example.net';
    const to = ['b@example.org'];
    await mature(t, system, mx, from, to);
    const waits = async (who: Who, mail: { from: string; to: string[] }) =>
      assert.deepEqual((await system.deliver(t, who, mail)).rcpt.map(waitOf), [fresh]);
    await waits(mx, { from: 'moving.too@example.net', to });
    await waits(mx, { from, to: ['moving@example.org'] });
    await waits({ address: '198.51.100.7' }, { from, to });
    const { rcpt, data } = await system.deliver(t, { address: '203.0.113.250' }, { from: 'Moving@Example.NET', to });
    assert.deepEqual([...codes(rcpt), data?.code], [250, 250]);
  });

  test('an IPv6 client waits, and its /64 passes; another /64 waits anew', async t => {
    const system = started();
    const mail = { from: 'ipv6@example.net', to: ['b@example.org'] };
    await mature(t, system, { address: '2001:db8:0:1::7' }, mail.from, mail.to);
    await system.daemon.decision({ reason: 'matured', sender: mail.from, client_address: '2001:db8:0:1::7' });
    assert.deepEqual(codes((await system.deliver(t, { address: '2001:db8:0:1:ffff::1' }, mail)).rcpt), [250]);
    assert.deepEqual((await system.deliver(t, { address: '2001:db8:0:2::7' }, mail)).rcpt.map(waitOf), [fresh]);
  });

  test('three recipients of one message get an answer each, and only those who were accepted get it', async t => {
    const system = started();
    const from = 'three@example.net';
    const [, attempted] = await timed(() => system.deliver(t, mx, { from, to: ['matured@example.org'] }));
    await waitUntil(attempted.latest + DELAY / 2);
    await system.deliver(t, mx, { from, to: ['early@example.org'] });
    await waitUntil(attempted.latest + DELAY);
    const to = ['new@example.org', 'matured@example.org', 'early@example.org'];
    const [{ rcpt, data }, passed] = await timed(() => system.deliver(t, mx, { from, to }));
    assert.deepEqual(codes(rcpt), [451, 250, 451]);
    assert.deepEqual(waitOf(rcpt[0]), fresh);
    assert.equal(waitOf(rcpt[2]).still, true);
    assert.equal(data?.code, 250);
    const message = await system.server.sink.message(({ sender }) => sender === from);
    assert.deepEqual(localParts(message.recipients), ['matured']);
    assertTold(message, attempted, passed);
  });

  test('of recipients that pass together, the one that waited longest is told in the header', async t => {
    const system = started();
    const from = 'together@example.net';
    const [, attempted] = await timed(() => system.deliver(t, mx, { from, to: ['long@example.org'] }));
    await waitUntil(attempted.latest + 1_500);
    const [, later] = await timed(() => system.deliver(t, mx, { from, to: ['short@example.org'] }));
    await waitUntil(later.latest + DELAY);
    const [{ rcpt }, passed] = await timed(() =>
      system.deliver(t, mx, { from, to: ['short@example.org', 'long@example.org'] }),
    );
    assert.deepEqual(codes(rcpt), [250, 250]);
    const message = await system.server.sink.message(({ sender }) => sender === from);
    assert.deepEqual(localParts(message.recipients), ['long', 'short']);
    assertTold(message, attempted, passed);
  });

  test('messages of one connection are judged one by one', async t => {
    const system = started();
    const to = ['b@example.org'];
    const [from1, from2] = ['first@example.net', 'second@example.net'];
    await system.deliver(t, mx, { from: from1, to });
    const [, attempted] = await timed(() => system.deliver(t, mx, { from: from2, to }));
    await waitUntil(attempted.latest + DELAY);
    const client = await system.server.connect(t, mx);
    const one = await deliver(client, { from: from1, to });
    const other = await deliver(client, { from: from2, to: [...to, 'other@example.org'] });
    const third = await deliver(client, { from: 'third@example.net', to });
    await client.expect(250, 'RSET'); // none of its recipients was accepted, but MAIL was
    const known = await deliver(client, { from: from1, to });
    await client.quit();
    assert.deepEqual([...codes(one.rcpt), one.data?.code], [250, 250]);
    assert.deepEqual([...codes(other.rcpt), other.data?.code], [250, 451, 250]);
    assert.deepEqual(third.rcpt.map(waitOf), [fresh]);
    assert.deepEqual([...codes(known.rcpt), known.data?.code], [250, 250]);
    const { sink } = system.server;
    delayTold(await sink.message(({ sender }) => sender === from1));
    const message = await sink.message(({ sender }) => sender === from2);
    delayTold(message);
    assert.deepEqual(localParts(message.recipients), ['b']);
    const again = await sink.message(each => each.sender === from1 && headers(each, 'X-Greylist').length === 0);
    assert.deepEqual(localParts(again.recipients), ['b']);
  });

  test('after RSET nothing of the message before is left', async t => {
    const system = started();
    const [from, to] = ['reset@example.net', 'b@example.org'];
    await mature(t, system, mx, from, [to]);
    const client = await system.server.connect(t, mx);
    await client.expect(250, 'MAIL FROM:<reset.other@example.net>');
    assert.deepEqual(waitOf(await client.rcpt(to)), fresh);
    await client.expect(250, 'RSET');
    await client.expect(250, `MAIL FROM:<${from}>`);
    await client.expect(250, `RCPT TO:<${to}>`);
    await client.expect(250, 'RSET');
    await client.expect(250, 'MAIL FROM:<reset.third@example.net>');
    assert.deepEqual(waitOf(await client.rcpt(to)), fresh);
    await client.expect(250, 'RSET');
    const { rcpt, data } = await deliver(client, { from, to: [to] });
    assert.deepEqual([...codes(rcpt), data?.code], [250, 250]);
  });

  test('pipelined commands get their answers in order', async t => {
    const system = started();
    const from = 'pipeline@example.net';
    await mature(t, system, mx, from, ['b@example.org']);
    const client = await system.server.connect(t, mx);
    const replies = await client.pipeline(
      `MAIL FROM:<${from}>`,
      'RCPT TO:<c@example.org>',
      'RCPT TO:<b@example.org>',
      'RCPT TO:<d@example.org>',
      'RSET',
      'MAIL FROM:<pipeline.other@example.net>',
      'RCPT TO:<b@example.org>',
      'RSET',
      `MAIL FROM:<${from}>`,
      'RCPT TO:<b@example.org>',
      'RCPT TO:<e@example.org>',
      'DATA',
    );
    assert.deepEqual(codes(replies), [250, 451, 250, 451, 250, 250, 451, 250, 250, 250, 451, 354]);
    for (const newcomer of [1, 3, 6, 10]) assert.deepEqual(waitOf(replies[newcomer]), fresh);
    assert.equal((await client.send('Subject: pipelined\r\n\r\nHello.\r\n.')).code, 250);
    const message = await system.server.sink.message(
      each => each.sender === from && each.text.includes('Subject: pipelined'),
    );
    assert.deepEqual(localParts(message.recipients), ['b']);
  });

  test('a message from the null sender waits at its end, and passes later', async t => {
    const system = started();
    const mail = { from: '', to: ['bounce1@example.org', 'bounce2@example.org'] };
    const [first, attempted] = await timed(() => system.deliver(t, mx, mail));
    assert.deepEqual(codes(first.rcpt), [250, 250]);
    assert.deepEqual(waitOf(first.data), fresh);
    const [second] = await timed(() => system.deliver(t, mx, mail));
    assert.deepEqual(codes(second.rcpt), [250, 250]);
    assert.equal(waitOf(second.data).still, true);
    await waitUntil(attempted.latest + DELAY);
    const [third, passed] = await timed(() => system.deliver(t, mx, mail));
    assert.deepEqual(codes(third.rcpt), [250, 250]);
    assert.equal(third.data?.code, 250, showReply(third.data as SmtpReply));
    const message = await system.server.sink.message(({ recipients }) => localParts(recipients).includes('bounce1'));
    assert.deepEqual(localParts(message.recipients), ['bounce1', 'bounce2']);
    assertTold(message, attempted, passed);
  });

  test('an address verification that leaves after RCPT is answered, and matures nothing', async t => {
    const system = started();
    const to = ['verified@example.org'];
    const client = await system.server.connect(t, mx);
    await client.expect(250, 'MAIL FROM:<>');
    const [, asked] = await timed(() => client.expect(250, `RCPT TO:<${to[0]}>`));
    await client.quit();
    await waitUntil(asked.latest + DELAY);
    const { rcpt, data } = await system.deliver(t, mx, { from: '', to });
    assert.deepEqual(codes(rcpt), [250]);
    assert.deepEqual(waitOf(data), fresh);
  });
}

/** Brings recipients to pass: a first attempt, patience, and a message that is delivered. */
async function mature(
  owner: Parameters<MailSystem['deliver']>[0],
  system: MailSystem,
  who: Who,
  from: string,
  to: readonly string[],
): Promise<void> {
  const [{ rcpt }, attempted] = await timed(() => system.deliver(owner, who, { from, to }));
  assert.deepEqual(
    rcpt.map(waitOf),
    rcpt.map(() => fresh),
  );
  await waitUntil(attempted.latest + DELAY);
  const { data } = await system.deliver(owner, who, { from, to });
  assert.equal(data?.code, 250);
}

export function codes(replies: readonly SmtpReply[]): readonly number[] {
  return replies.map(({ code }) => code);
}

/** Sorted; a server may deliver in any order, and without the domain. */
export function localParts(recipients: readonly string[]): readonly string[] {
  return recipients.map(recipient => recipient.replace(/@.*/, '')).sort();
}
