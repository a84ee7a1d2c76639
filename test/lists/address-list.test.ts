import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadAddressList, loadAddressLists } from '../../src/lists/address-list.ts';
import { ListError } from '../../src/lists/list-error.ts';
import { parseAddress } from '../../src/net/address.ts';
import { type Owner, tempDir } from '../support/temp-dir.ts';

function writer(owner: Owner): (name: string, text: string) => string {
  const directory = tempDir(owner);
  return (name, text) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
}

async function failure(promise: Promise<unknown>): Promise<ListError> {
  const error = await promise.then(
    () => assert.fail('expected a ListError'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ListError);
  return error;
}

test('the longest network wins across files, and the answer is the file and line that name it', async t => {
  const write = writer(t);
  const first = write('first', '# ours\n10.*\n');
  const second = write('second', '10.1.2.3\n203.0.113.0/24\n2001:db8::/32\n');
  const list = await loadAddressList([first, second]);
  assert.equal(list.size, 4);
  assert.equal(list.find(parseAddress('10.9.9.9')!), `${first}:2`);
  assert.equal(list.find(parseAddress('10.1.2.3')!), `${second}:1`);
  assert.equal(list.find(parseAddress('203.0.113.7')!), `${second}:2`);
  assert.equal(list.find(parseAddress('2001:db8::7')!), `${second}:3`);
  assert.equal(list.find(parseAddress('198.51.100.1')!), undefined);
});

test('no files make an empty list', async () => {
  const list = await loadAddressList([]);
  assert.equal(list.size, 0);
  assert.equal(list.find(parseAddress('203.0.113.7')!), undefined);
});

test('all bad lines of all files of all lists are told at once', async t => {
  const write = writer(t);
  const white = write('white', '203.0.113.7\nnonsense\n10.0.0.1/8\n');
  const black = write('black', 'x\n');
  const error = await failure(loadAddressLists({ white: [white], black: [black, `${black}.missing`] }));
  assert.deepEqual(
    error.problems.map(({ file, line }) => [file, line]),
    [
      [white, 2],
      [white, 3],
      [black, 1],
      [`${black}.missing`, undefined],
    ],
  );
  const lines = error.message.split('\n');
  assert.equal(lines.length, 4);
  assert.ok(lines[0]!.startsWith(`${white}:2:1: "nonsense": expected an address`));
  assert.equal(lines[3], `${black}.missing: no such file; expected a list of addresses`);
});

test('a missing file carries the system error, so that the exit code can tell', async t => {
  const missing = join(tempDir(t), 'missing');
  const error = await failure(loadAddressList([missing]));
  assert.equal((error.cause as NodeJS.ErrnoException).code, 'ENOENT');
});

test('bad lines alone have no system error behind them', async t => {
  assert.equal((await failure(loadAddressList([writer(t)('list', 'x')]))).cause, undefined);
});

test('a directory is no list', async t => {
  const directory = tempDir(t);
  const error = await failure(loadAddressList([directory]));
  assert.equal(error.message, `${directory}: is a directory; expected a list of addresses`);
});

test('of thousands of bad lines the message shows the first hundred', async t => {
  const error = await failure(loadAddressList([writer(t)('list', 'x\n'.repeat(3000))]));
  assert.equal(error.problems.length, 3000);
  const lines = error.message.split('\n');
  assert.equal(lines.length, 101);
  assert.equal(lines.at(-1), 'and 2900 more');
});

test('others have their turn while a long list is read', async t => {
  const text = Array.from({ length: 20_000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`).join('\n');
  const path = writer(t)('list', text);
  let turns = 0;
  let reading = true;
  const count = (): void => {
    turns++;
    if (reading) setImmediate(count);
  };
  setImmediate(count);
  const list = await loadAddressList([path]);
  reading = false;
  assert.equal(list.size, 20_000);
  assert.ok(turns >= 20, `only ${turns} turns`);
});
