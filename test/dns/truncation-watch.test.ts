import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TruncationWatch } from '../../src/dns/truncation-watch.ts';
import { recordingLogger } from '../support/recording-logger.ts';

function feed(watch: TruncationWatch, truncated: number, now: number): void {
  for (let i = 0; i < 1_000; i++) watch.count(i < truncated, now);
}

test('more than one truncated reply in a hundred is told, once an hour', () => {
  const { logger, lines } = recordingLogger();
  const watch = new TruncationWatch('127.0.0.1', logger);
  feed(watch, 10, 0);
  assert.deepEqual(lines, []);
  feed(watch, 11, 1);
  assert.deepEqual(lines, ['warn many DNS replies are truncated server=127.0.0.1 replies=1000 truncated=11']);
  feed(watch, 1_000, 3_600_000);
  assert.equal(lines.length, 1);
  feed(watch, 1_000, 3_600_001);
  assert.equal(lines.length, 2);
});
