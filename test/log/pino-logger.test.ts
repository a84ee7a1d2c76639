import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Level, LogFormat } from '../../src/log/format.ts';
import type { Logger } from '../../src/log/logger.ts';
import { createPinoLogger } from '../../src/log/pino-logger.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { hostile, parseLogfmt, UNSAFE } from '../support/hostile-text.ts';

function make(format: LogFormat, level: Level = 'debug', journal = false): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const logger = createPinoLogger({ format, level, journal, clock: new FixedClock(), write: line => lines.push(line) });
  return { logger, lines };
}

test('logfmt has time, level, message and fields', () => {
  const { logger, lines } = make('logfmt');
  logger.warn('list not read', { file: '/etc/x', line: 3, gone: undefined });
  assert.deepEqual(lines, ['time=2026-11-21T08:53:48.000Z level=warn msg="list not read" file=/etc/x line=3\n']);
});

test('JSON has the same', () => {
  const { logger, lines } = make('json');
  logger.error('list not read', { file: '/etc/x', line: 3 });
  assert.equal(lines.length, 1);
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    level: 'error',
    time: '2026-11-21T08:53:48.000Z',
    msg: 'list not read',
    file: '/etc/x',
    line: 3,
  });
});

test("in postgrey's format the time is left to syslog", () => {
  const { logger, lines } = make('postgrey');
  logger.info('started');
  assert.deepEqual(lines, ['level=info msg=started\n']);
});

test('the journal gets the priority in front, and keeps the time itself', () => {
  const { logger, lines } = make('logfmt', 'debug', true);
  for (const level of ['error', 'warn', 'info', 'debug'] as const) logger[level]('x');
  assert.deepEqual(lines, [
    '<3>level=error msg=x\n',
    '<4>level=warn msg=x\n',
    '<6>level=info msg=x\n',
    '<7>level=debug msg=x\n',
  ]);
});

test('what is below the level is left out', () => {
  const { logger, lines } = make('logfmt', 'warn');
  logger.info('x');
  logger.debug('x');
  assert.deepEqual(lines, []);
});

test('hostile messages and fields stay in their place, in every format', () => {
  for (const format of ['logfmt', 'json', 'postgrey'] as const) {
    const { logger, lines } = make(format);
    fc.assert(
      fc.property(hostile, hostile, (msg, zone) => {
        lines.length = 0;
        logger.error(msg, { zone });
        const [line = ''] = lines;
        assert.equal(lines.length, 1);
        assert.equal(line.at(-1), '\n');
        const text = line.slice(0, -1);
        assert.doesNotMatch(text, UNSAFE);
        const read = format === 'json' ? JSON.parse(text) : parseLogfmt(text);
        assert.deepEqual([read.level, read.msg, read.zone], ['error', msg, zone]);
      }),
      { numRuns: 500 },
    );
  }
});
