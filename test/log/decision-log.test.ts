import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDecisionLog } from '../../src/log/decision-log.ts';
import { clip } from '../../src/log/escape.ts';
import type { LogFormat } from '../../src/log/format.ts';
import { parseAddress } from '../../src/net/address.ts';
import { noAdvice } from '../../src/policy/advice.ts';
import type { Decision } from '../../src/policy/decision.ts';
import { noMacros } from '../../src/policy/envelope.ts';
import type { Verdict } from '../../src/policy/verdict.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { hostile, parseLogfmt, UNSAFE } from '../support/hostile-text.ts';

const greylist: Verdict = {
  action: 'greylist',
  reason: 'new',
  wait: 300,
  reply: { code: 451, enhanced: '4.7.1', text: 'Greylisting in action, please come back later (300 secs)' },
};
const refused = { code: 550, enhanced: '5.7.1', text: 'Rejected' };

function decision(
  verdict: Verdict = greylist,
  change: { name?: string; sender?: string; recipient?: string; address?: string } & Partial<Decision> = {},
): Decision {
  const { name = 'mail.example.net', sender = 'alice@example.net', recipient = 'bob@example.org', ...rest } = change;
  const address = parseAddress(change.address ?? '203.0.113.7');
  return {
    envelope: {
      id: 's-1.1',
      session: { id: 's-1', address, transport: 'tcp', name, daemonName: undefined },
      helo: 'mail.example.net',
      sender,
      recipient,
      authenticated: undefined,
      macros: noMacros,
      rejectedByMta: false,
    },
    verdict,
    check: 'greylist',
    elapsed: 0.2,
    failed: [],
    withheld: undefined,
    advised: noAdvice,
    fields: {},
    ...rest,
  };
}

function write(format: LogFormat, what: Decision, journal = false): string {
  const lines: string[] = [];
  createDecisionLog({ format, journal, clock: new FixedClock(), write: line => lines.push(line) }).write(what);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^[^\n]*\n$/);
  return (lines[0] ?? '').slice(0, -1);
}

const CLIENT =
  'client_name=mail.example.net client_address=203.0.113.7 sender=alice@example.net recipient=bob@example.org';

test('logfmt tells action, reason, who and what, in a fixed order', () => {
  const table: readonly (readonly [Decision, string])[] = [
    [decision(), `action=greylist reason=new ${CLIENT} session=s-1 id=s-1.1 check=greylist wait=300`],
    [
      decision({ action: 'accept', reason: 'matured', delayed: 314_999 }),
      `action=accept reason=matured delay=314 ${CLIENT} session=s-1 id=s-1.1 check=greylist`,
    ],
    [
      decision(
        { action: 'reject', reason: 'dnsbl', reply: refused, zones: ['bl.test', 'zen.test'] },
        { check: 'dnsbl' },
      ),
      `action=reject reason=dnsbl ${CLIENT} session=s-1 id=s-1.1 check=dnsbl dnsbl=bl.test,zen.test`,
    ],
    [
      decision(greylist, { failed: ['whitelist'], withheld: 'blacklist', fields: { votes: '2/3', none: undefined } }),
      `action=greylist reason=new ${CLIENT} session=s-1 id=s-1.1 check=greylist wait=300 failed=whitelist withheld=blacklist votes=2/3`,
    ],
    [
      decision({ action: 'accept', reason: 'known' }, { sender: '', name: '[203.0.113.7]' }),
      'action=accept reason=known client_name=[203.0.113.7] client_address=203.0.113.7 sender="" recipient=bob@example.org session=s-1 id=s-1.1 check=greylist',
    ],
  ];
  for (const [what, line] of table) assert.equal(write('logfmt', what), `time=2026-11-21T08:53:48.000Z ${line}`);
});

test('a client without address has none in the line', () => {
  const what = decision({ action: 'accept', reason: 'no-address' }, { address: 'unknown', name: 'localhost' });
  for (const format of ['logfmt', 'json', 'postgrey'] as const)
    assert.doesNotMatch(write(format, what), /client_address/);
});

test('the journal gets a priority in place of the time', () => {
  assert.match(write('logfmt', decision(), true), /^<6>action=greylist reason=new /);
});

test('JSON has the same keys and values', () => {
  const line = JSON.parse(write('json', decision(greylist, { fields: { votes: '2/3' } })));
  assert.deepEqual(line, {
    level: 'info',
    time: '2026-11-21T08:53:48.000Z',
    msg: 'decision',
    action: 'greylist',
    reason: 'new',
    client_name: 'mail.example.net',
    client_address: '203.0.113.7',
    sender: 'alice@example.net',
    recipient: 'bob@example.org',
    session: 's-1',
    id: 's-1.1',
    check: 'greylist',
    wait: 300,
    votes: '2/3',
  });
});

test("postgrey's words, commas and order", () => {
  const who =
    'client_name=mail.example.net, client_address=203.0.113.7, sender=alice@example.net, recipient=bob@example.org';
  const table: readonly (readonly [Verdict, string])[] = [
    [greylist, 'action=greylist, reason=new'],
    [{ ...greylist, reason: 'early', wait: 273 }, 'action=greylist, reason=early-retry (273s missing)'],
    [{ ...greylist, reason: 'too-soon' }, 'action=greylist, reason=early-retry (300s missing)'],
    [{ ...greylist, reason: 'late' }, 'action=greylist, reason=new'],
    [{ ...greylist, reason: 'expired' }, 'action=greylist, reason=new'],
    [{ action: 'accept', reason: 'matured', delayed: 314_000 }, 'action=pass, reason=triplet found, delay=314'],
    [{ action: 'accept', reason: 'known' }, 'action=pass, reason=triplet found'],
    [{ action: 'accept', reason: 'whitelist' }, 'action=pass, reason=client whitelist'],
    [{ action: 'accept', reason: 'local-client' }, 'action=pass, reason=client whitelist'],
    [{ action: 'accept', reason: 'exempt' }, 'action=pass, reason=recipient whitelist'],
    [{ action: 'accept', reason: 'authenticated' }, 'action=pass, reason=authenticated'],
    [{ action: 'reject', reason: 'blacklist', reply: refused }, 'action=reject, reason=blacklist'],
  ];
  for (const [verdict, words] of table) assert.equal(write('postgrey', decision(verdict)), `${words}, ${who}`);
});

test('as postgrey does, the null sender is left out and a nameless client is unknown', () => {
  assert.equal(
    write('postgrey', decision(greylist, { sender: '', name: '[203.0.113.7]' })),
    'action=greylist, reason=new, client_name=unknown, client_address=203.0.113.7, recipient=bob@example.org',
  );
});

test("logcheck's rule for postgrey takes every line", () => {
  // /etc/logcheck/ignore.d.server/postgrey of Debian's postgrey 1.37, from the program's name on.
  const rule =
    /^postgrey(\[[0-9]+\])?:( [0-9A-F]+:)? action=.+, reason=.+,( delay=.+,)?( client_name=.+,)? client_address=.+,( sender=.*,)? recipient=.+$/;
  for (const verdict of [greylist, { action: 'accept', reason: 'matured', delayed: 1 } as const])
    assert.match(`postgrey[17]: ${write('postgrey', decision(verdict))}`, rule);
});

test('whatever strangers send, one decision is one line, and parsing it gives the fields back', () => {
  fc.assert(
    fc.property(hostile, hostile, hostile, hostile, (name, sender, recipient, votes) => {
      const what = decision(greylist, { name, sender, recipient, fields: { votes } });
      const line = write('logfmt', what);
      assert.doesNotMatch(line, UNSAFE);
      const { time: _, ...read } = parseLogfmt(line);
      const meant = {
        action: 'greylist',
        reason: 'new',
        client_name: clip(name),
        client_address: '203.0.113.7',
        sender: clip(sender),
        recipient: clip(recipient),
        session: 's-1',
        id: 's-1.1',
        check: 'greylist',
        wait: '300',
        votes: clip(votes),
      };
      assert.deepEqual(read, meant);

      const json = write('json', what);
      assert.doesNotMatch(json, UNSAFE);
      const { time, level, msg, ...fields } = JSON.parse(json);
      assert.deepEqual(fields, { ...meant, wait: 300 });
    }),
    { numRuns: 2_000 },
  );
});

test("the same in postgrey's format, where commas part the fields", () => {
  const nonEmpty = hostile.filter(value => value !== '');
  fc.assert(
    fc.property(nonEmpty, nonEmpty, nonEmpty, (name, sender, recipient) => {
      const line = write('postgrey', decision(greylist, { name: `x${name}`, sender, recipient }));
      assert.doesNotMatch(line, UNSAFE);
      const read = line.split(', ').map(field => {
        const equals = field.indexOf('=');
        return [field.slice(0, equals), JSON.parse(`"${field.slice(equals + 1)}"`)];
      });
      assert.deepEqual(read, [
        ['action', 'greylist'],
        ['reason', 'new'],
        ['client_name', `x${name}`],
        ['client_address', '203.0.113.7'],
        ['sender', clip(sender)],
        ['recipient', clip(recipient)],
      ]);
    }),
    { numRuns: 2_000 },
  );
});

test('64 KB addresses make lines that syslog takes whole', () => {
  const huge = '\u0001'.repeat(65_536);
  for (const format of ['logfmt', 'json', 'postgrey'] as const) {
    const line = write(format, decision(greylist, { name: huge, sender: huge, recipient: huge }));
    assert.ok(Buffer.byteLength(line) < 8_192, `${format}: ${line.length}`);
  }
});

test("a check's field can't pass itself off as one of the line's own", () => {
  const what = decision(greylist, {
    fields: { action: 'accept', 'client name': 'x', sender: 'y', level: 'debug', mine: 'z' },
  });
  const read = parseLogfmt(write('logfmt', what));
  assert.deepEqual(
    [read.action, read.sender, read.client_name, read.mine],
    ['greylist', 'alice@example.net', 'mail.example.net', 'z'],
  );
  const json = JSON.parse(write('json', what));
  assert.deepEqual(
    [json.action, json.sender, json.client_name, json.level],
    ['greylist', 'alice@example.net', 'mail.example.net', 'info'],
  );
});

test('a connection accepted for its address is one line without sender and recipient, forged by no name', () => {
  const { session } = decision(greylist, { name: 'mail\n.example "net"' }).envelope;
  const lines: string[] = [];
  for (const format of ['logfmt', 'json', 'postgrey'] as const) {
    const log = createDecisionLog({ format, journal: false, clock: new FixedClock(), write: line => lines.push(line) });
    log.settled(session, { action: 'accept', reason: 'whitelist' });
  }
  const [logfmt = '', json = '', postgrey = ''] = lines.map(line => line.slice(0, -1));
  const { time, ...read } = parseLogfmt(logfmt);
  assert.ok(time);
  assert.deepEqual(read, {
    action: 'accept',
    reason: 'whitelist',
    client_name: session.name,
    client_address: '203.0.113.7',
    session: 's-1',
    scope: 'connection',
  });
  assert.deepEqual(
    [JSON.parse(json).reason, JSON.parse(json).client_name, JSON.parse(json).scope],
    ['whitelist', session.name, 'connection'],
  );
  assert.match(postgrey, /^action=pass, reason=client whitelist, client_name=\S+, client_address=203\.0\.113\.7$/);
});
