import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tempDir } from './temp-dir.ts';
import { readTranscript } from './transcript.ts';

function transcript(t: TestContext, text: string): string {
  const path = join(tempDir(t), 'transcript.txt');
  writeFileSync(path, text);
  return path;
}

test('packets are read with who sent them, escapes undone', t => {
  const path = transcript(t, '# comment\n\n> H len=6 \\x00\\xff\\\\ a\n< c len=1\n');
  assert.deepEqual(readTranscript(path), [
    { from: 'mta', bytes: Buffer.from('\0\0\0\x06H\0\xff\\ a', 'latin1') },
    { from: 'milter', bytes: Buffer.from('\0\0\0\x01c', 'latin1') },
  ]);
});

test('a line that is no packet, or has the wrong length, is an error with its place', t => {
  const bad = transcript(t, '> H len=1\n? H len=1\n');
  assert.throws(() => readTranscript(bad), /transcript\.txt, line 2: "\? H len=1": expected/);
  const wrong = transcript(t, '> H len=3 abc\n');
  assert.throws(() => readTranscript(wrong), /line 1: .*the data make a length of 4/);
});
