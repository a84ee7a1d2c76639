/**
 * What went wrong in other milter libraries, or surprises in one of the two MTAs: one test each.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectEvent } from '../../src/milter/event.ts';
import {
  acceptConnection,
  acceptMessage,
  discardMessage,
  proceed,
  reject,
  reply,
  tempfail,
} from '../../src/milter/verdict.ts';
import { A, B, C, E, ends, H, K, L, M, macros, N, negotiated, packet, Q, R, T } from './support.ts';

/** What a filter gets to see of a CONNECT packet. */
function connected(data: string): ConnectEvent {
  let event: ConnectEvent | undefined;
  const rig = negotiated({
    connect({ hostname, peer }) {
      event = { hostname, peer };
      return proceed;
    },
  });
  assert.deepEqual(rig.say(packet('C', data)), ['c']);
  assert.ok(event);
  return event;
}

test("an IPv6 address with Sendmail's prefix reaches the filter without it", () => {
  const { peer } = connected('mail.example.net\x006\x9c\xbbIPv6:2001:db8::7\0');
  assert.deepEqual(peer, { family: 'ipv6', address: '2001:db8::7', port: 40123 });
});

test('CONNECT of family U without any rest is an unknown peer', () => {
  assert.deepEqual(connected('localhost\x00U'), { hostname: 'localhost', peer: { family: 'unknown' } });
});

test('CONNECT over a unix socket is a unix peer', () => {
  assert.deepEqual(connected('localhost\x00L\0\0/run/mta\0').peer, { family: 'unix', path: '/run/mta' });
});

test('an empty macro packet clears what its stage had before', () => {
  const seen: (string | undefined)[] = [];
  const rig = negotiated({
    helo({ macros: told }) {
      seen.push(told.get('tls_version'));
      return proceed;
    },
  });
  rig.say(C(), macros('H', '{tls_version}', 'TLSv1.3'), H(), macros('H'), H());
  assert.deepEqual(seen, ['TLSv1.3', undefined]);
});

test('MAIL of a single NUL is the null sender', () => {
  const senders: string[] = [];
  const rig = negotiated({
    mail(message) {
      senders.push(message.sender.address, ...message.sender.argv);
      return proceed;
    },
  });
  assert.deepEqual(rig.say(C(), packet('M', '\0')), ['c', 'c']);
  assert.deepEqual(senders, ['', '']);
});

test('macros of MAIL told before an implied HELO reach MAIL', () => {
  const seen: (string | undefined)[] = [];
  const rig = negotiated({
    mail(message) {
      seen.push(message.queueId);
      return proceed;
    },
  });
  rig.say(C(), macros('M', 'i', 'QID1'), H(), M());
  assert.deepEqual(seen, ['QID1']);
});

test('ABORT twice and QUIT, as Postfix says goodbye, end the message once and the connection once', () => {
  const { seen, options } = ends();
  const rig = negotiated(options);
  assert.deepEqual(rig.say(C(), H(), M(), A, A, Q), ['c', 'c', 'c']);
  assert.deepEqual(seen, ['1 aborted', 'close']);
  assert.equal(rig.wire.closed, 1);
});

test('MAIL right after the end of a message, as Sendmail goes on, begins a clean one', () => {
  const { seen, options } = ends();
  const asked: string[] = [];
  const rig = negotiated({
    ...options,
    rcpt: () => proceed,
    eom(message) {
      asked.push(message.recipients.map(recipient => recipient.address).join());
      return proceed;
    },
  });
  rig.say(C(), H(), M(), R('<one@x>'), R('<two@x>'), E, M(), R('<three@x>'), E, Q);
  assert.deepEqual(asked, ['one@x,two@x', 'three@x']);
  assert.deepEqual(seen, ['1 delivered', '2 delivered', 'close']);
});

test('MAIL while a message is open ends that one, with its own queue id, and begins another', () => {
  const ids: (string | undefined)[] = [];
  const rig = negotiated({
    messageEnd: (message, outcome) => void ids.push(`${message.serial} ${outcome} ${message.queueId}`),
  });
  rig.say(C(), macros('M', 'i', 'ONE'), M(), R(), macros('M', 'i', 'TWO'), M(), A);
  assert.deepEqual(ids, ['1 aborted ONE', '2 aborted TWO']);
});

test('HELO between messages replaces the name and ends the open message, not the connection', () => {
  const { seen, options } = ends();
  const names: (string | undefined)[] = [];
  const rig = negotiated({
    ...options,
    mail(message) {
      names.push(message.connection.helo);
      return proceed;
    },
  });
  rig.say(C(), H('first'), M(), R(), H('second'), M(), E);
  assert.deepEqual(names, ['first', 'second']);
  assert.deepEqual(seen, ['1 aborted', '2 delivered']);
});

test('the end of file after a verdict at CONNECT, as Postfix does, closes quietly', () => {
  for (const verdict of [reject, tempfail, acceptConnection, reply(451, '4.7.1', 'x')]) {
    const { seen, options } = ends();
    const rig = negotiated({ ...options, connect: () => verdict });
    assert.equal(rig.say(C()).length, 1);
    rig.session.disconnect();
    assert.deepEqual(seen, ['close']);
    assert.deepEqual(rig.offences, []);
  }
});

test('after a verdict that settles the connection no handler is asked any more, yet every command is answered', () => {
  const rig = negotiated({
    helo: () => acceptConnection,
    mail: () => assert.fail('asked at MAIL'),
    rcpt: () => assert.fail('asked at RCPT'),
    eom: () => assert.fail('asked at the end'),
    messageEnd: () => assert.fail('there was no message'),
  });
  assert.deepEqual(rig.say(C(), H(), M(), R(), T, L('a', 'b'), N, B('x'), E), ['c', 'a', ...new Array(7).fill('c')]);
});

test('one recipient refused and the next accepted: the message goes on with both told', () => {
  const { seen, options } = ends();
  const later = reply(451, '4.7.1', 'Later');
  const rig = negotiated({
    ...options,
    rcpt: (_message, recipient) => (recipient.address === 'one@x' ? later : proceed),
    eom: message => (message.recipients.length === 2 ? proceed : reject),
  });
  assert.deepEqual(rig.say(C(), M(), R('<one@x>'), R('<two@x>'), E), ['c', 'c', 'y451 4.7.1 Later\0', 'c', 'c']);
  assert.deepEqual(seen, ['1 delivered']);
});

test('every refusal of a recipient leaves the message open, each acceptance and discard at RCPT ends it', () => {
  for (const [verdict, expected] of [
    [reject, []],
    [tempfail, []],
    [reply(550, '5.7.1', 'x'), []],
    [proceed, []],
    [acceptMessage, ['1 accepted-early']],
    [discardMessage, ['1 discarded']],
  ] as const) {
    const { seen, options } = ends();
    const rig = negotiated({ ...options, rcpt: () => verdict });
    rig.say(C(), M(), R());
    assert.deepEqual(seen, expected, verdict.kind);
  }
});

test('accepting at RCPT accepts the message: nobody is asked about the other recipients or its end', () => {
  let asked = 0;
  const rig = negotiated({
    rcpt() {
      asked += 1;
      return acceptMessage;
    },
    eom: () => assert.fail('asked at the end'),
  });
  assert.deepEqual(rig.say(C(), M(), R('<one@x>')), ['c', 'c', 'a']);
  assert.deepEqual(rig.say(R('<two@x>'), E, A, M(), R('<three@x>')), ['c', 'c', 'c', 'a']);
  assert.equal(asked, 2);
});

test('a recipient the MTA has refused is told as such, and its answer is "continue" whatever the filter says', async () => {
  const seen: string[] = [];
  const rig = negotiated({
    rejectedRecipients: true,
    rcpt(_message, { address, rejectedByMta }) {
      seen.push(`${address} ${rejectedByMta}`);
      return address === 'later' ? Promise.resolve(acceptMessage) : reject;
    },
  });
  const refused = macros('R', '{rcpt_mailer}', 'error', '{rcpt_host}', '5.7.1', '{rcpt_addr}', 'no such user');
  const fine = macros('R', '{rcpt_mailer}', 'local', '{rcpt_host}', '', '{rcpt_addr}', 'b');
  assert.deepEqual(await rig.sayAndWait(C(), M(), refused, R('<no>'), refused, R('<later>'), fine, R('<b>')), [
    ...['c', 'c', 'c', 'c', 'r'],
  ]);
  assert.deepEqual(seen, ['no true', 'later true', 'b false']);
});

test('QUIT_NC and CONNECT: another SMTP connection on the same socket, with nothing left of the first', () => {
  const { seen, options } = ends();
  const peers: string[] = [];
  const rig = negotiated({
    ...options,
    connectionState: () => ({ helos: 0 }),
    helo(connection) {
      connection.state.helos += 1;
      peers.push(`${connection.hostname} ${connection.state.helos} ${connection.macros.get('j')}`);
      return connection.hostname === 'one' ? tempfail : proceed;
    },
  });
  assert.deepEqual(rig.say(macros('C', 'j', 'mx'), C('192.0.2.1', 'one'), H(), M(), K), ['c', 't', 'c']);
  assert.deepEqual(seen, ['close']);
  assert.ok(rig.session.idle);
  assert.deepEqual(rig.say(C('192.0.2.2', 'two'), H(), M(), K, Q), ['c', 'c', 'c']);
  assert.deepEqual(peers, ['one 1 mx', 'two 1 undefined']);
  assert.deepEqual(
    seen,
    ['close', '1 aborted', 'close'].map(word => word.replace('aborted', 'disconnected')),
  );
  assert.deepEqual(rig.offences, []);
});
