import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeQuestion } from '../../src/dns/question.ts';
import { WireLog } from '../../src/dns/wire-log.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { recordingLogger } from '../support/recording-logger.ts';

function setUp(redact: (text: string) => string = text => text): { log: WireLog; lines: string[] } {
  const lines: string[] = [];
  const sink = { write: (line: string) => lines.push(line) };
  const { logger } = recordingLogger();
  return { log: new WireLog({ sink, redact, clock: new FixedClock(), logger }), lines };
}

test('questions, answers and failures have one line each', () => {
  const { log, lines } = setUp();
  const question = encodeQuestion('7.113.0.203.bl.test', 'A');
  log.asked('127.0.0.1', question, 'udp');
  log.found(
    '127.0.0.1',
    question,
    { status: 'records', records: ['127.0.0.2', '127.0.0.4'], cname: false, ttl: 60 },
    1.25,
  );
  log.found('127.0.0.1', question, { status: 'nxdomain', cname: true, soaOwner: undefined, ttl: undefined }, 0.04);
  log.failed('127.0.0.1', question, { cause: 'servfail', detail: '127.0.0.1: SERVFAIL' });
  assert.deepEqual(lines, [
    '2026-11-21T08:53:48.000Z 127.0.0.1 > A 7.113.0.203.bl.test (udp)\n',
    '2026-11-21T08:53:48.000Z 127.0.0.1 < A 7.113.0.203.bl.test: 127.0.0.2, 127.0.0.4 (ttl 60, 1.3 ms)\n',
    '2026-11-21T08:53:48.000Z 127.0.0.1 < A 7.113.0.203.bl.test: nxdomain (alias, ttl none, 0.0 ms)\n',
    '2026-11-21T08:53:48.000Z 127.0.0.1 ! A 7.113.0.203.bl.test: servfail (127.0.0.1: SERVFAIL)\n',
  ]);
});

test('what comes from outside can neither break a line nor hide one', () => {
  const { log, lines } = setUp();
  const records = ['a\r\nfake line', '\u001b[2K', 'x\u2028y\u0085z', 'back\\slash'];
  log.found('127.0.0.1', encodeQuestion('h.test', 'TXT'), { status: 'records', records, cname: false, ttl: 1 }, 1);
  assert.equal(lines.length, 1);
  assert.ok(
    lines[0]?.includes('a\\u{d}\\u{a}fake line, \\u{1b}[2K, x\\u{2028}y\\u{85}z, back\\u{5c}slash'),
    JSON.stringify(lines[0]),
  );
});

test('secrets are taken out of every line', () => {
  const { log, lines } = setUp(text => text.replaceAll('s3cr3tkey', '***'));
  const question = encodeQuestion('2.0.0.127.s3cr3tkey.zen.test', 'A');
  log.asked('127.0.0.1', question, 'udp');
  log.found('127.0.0.1', question, { status: 'records', records: ['x.s3cr3tkey.zen.test'], cname: false, ttl: 60 }, 1);
  log.failed('127.0.0.1', question, { cause: 'malformed', detail: 's3cr3tkey' });
  assert.equal(lines.length, 3);
  assert.ok(!lines.join('').includes('s3cr3tkey'));
});

test('a sink that fails is told once and then left alone', () => {
  const { logger, lines } = recordingLogger();
  let calls = 0;
  const sink = {
    write: (): void => {
      calls++;
      throw new Error('disk full');
    },
  };
  const log = new WireLog({ sink, redact: text => text, clock: new FixedClock(), logger });
  for (let i = 0; i < 3; i++) log.asked('127.0.0.1', encodeQuestion('a.test', 'A'), 'udp');
  assert.equal(calls, 1);
  assert.deepEqual(lines, ['error DNS debug log failed and is off error=Error: disk full']);
});
