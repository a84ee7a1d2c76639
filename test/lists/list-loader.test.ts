import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ListError } from '../../src/lists/list-error.ts';
import { ListLoader } from '../../src/lists/list-loader.ts';
import { parseAddress } from '../../src/net/address.ts';
import { tempDir } from '../support/temp-dir.ts';

const client = parseAddress('203.0.113.7')!;
const other = parseAddress('198.51.100.1')!;

test('a loader does not open with a bad list', async t => {
  const file = join(tempDir(t), 'list');
  await assert.rejects(ListLoader.open({ white: [file] }), ListError);
});

test('a reload puts the new lists in force', async t => {
  const file = join(tempDir(t), 'list');
  writeFileSync(file, '203.0.113.7\n');
  const loader = await ListLoader.open({ white: [file], black: [] });
  assert.equal(loader.current.white.find(client), `${file}:1`);
  assert.equal(loader.current.black.find(client), undefined);
  writeFileSync(file, '# gone\n198.51.100.1\n');
  await loader.reload();
  assert.equal(loader.current.white.find(client), undefined);
  assert.equal(loader.current.white.find(other), `${file}:2`);
});

test('one bad or missing file keeps every old list in force', async t => {
  const directory = tempDir(t);
  const white = join(directory, 'white');
  const black = join(directory, 'black');
  writeFileSync(white, '203.0.113.7\n');
  writeFileSync(black, '198.51.100.1\n');
  const loader = await ListLoader.open({ white: [white], black: [black] });
  const before = loader.current;

  writeFileSync(white, '198.51.100.1\n');
  writeFileSync(black, '203.0.113.7\noops\n');
  await assert.rejects(loader.reload(), ListError);
  assert.equal(loader.current, before);

  rmSync(black);
  await assert.rejects(loader.reload(), ListError);
  assert.equal(loader.current, before);
  assert.equal(loader.current.white.find(client), `${white}:1`);

  writeFileSync(black, '203.0.113.7\n');
  await loader.reload();
  assert.equal(loader.current.white.find(client), undefined);
  assert.equal(loader.current.black.find(client), `${black}:1`);
});

test('a reload that was overtaken does not bring an older list back', async t => {
  const directory = tempDir(t);
  const slow = join(directory, 'slow');
  const long = Array.from({ length: 20_000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`).join('\n');
  writeFileSync(slow, '203.0.113.7\n');
  const loader = await ListLoader.open({ white: [slow] });
  writeFileSync(slow, `203.0.113.7\n${long}`);
  const first = loader.reload();
  // The first reload has read its file when it first pauses; the second finds a short one and ends before it.
  await new Promise(resolve => setTimeout(resolve, 20));
  writeFileSync(slow, '198.51.100.1\n');
  const second = loader.reload();
  await Promise.all([first, second]);
  assert.equal(loader.current.white.find(client), undefined);
  assert.equal(loader.current.white.find(other), `${slow}:1`);
});
