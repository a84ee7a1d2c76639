import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ListError } from '../../src/lists/list-error.ts';
import { ListFiles, type ListRequest } from '../../src/lists/list-files.ts';
import { MailSubject, NameSubject } from '../../src/lists/subject.ts';
import { parseAddress } from '../../src/net/address.ts';
import { tempDir } from '../support/temp-dir.ts';

function writer(t: TestContext): (name: string, text: string) => string {
  const folder = tempDir(t);
  return (name, text) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
}

async function failure(requests: readonly ListRequest[]): Promise<ListError> {
  const error = await ListFiles.load(requests).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ListError, String(error));
  return error;
}

test('files are read as what they are asked for, and tell where each entry stands', async t => {
  const write = writer(t);
  const clients = write('clients', '\uFEFF192.0.2.0/24 # net\r\n10.*\r\n');
  const mail = write('mail', '# people\n\nann@example.org\n  user#1@example.org # with a #\n');
  const names = write('names', '.example.net\n');
  const files = await ListFiles.load([
    { kind: 'client', file: clients },
    { kind: 'mail', file: mail },
    { kind: 'mail', file: mail },
    { kind: 'name', file: names },
  ]);
  assert.equal(files.networks(clients).find(parseAddress('10.1.2.3')!), `${clients}:2`);
  assert.equal(files.patterns('mail', mail).find(new MailSubject('Ann+x@example.org')), `${mail}:3`);
  assert.equal(files.patterns('mail', mail).find(new MailSubject('user#1@example.org')), `${mail}:4`);
  assert.equal(files.patterns('name', names).find(new NameSubject('mx.example.net')), `${names}:1`);
  assert.deepEqual(
    files.items('client', clients).map(({ at }) => at),
    [`${clients}:1`, `${clients}:2`],
  );
});

test('every mistake in every file is told at once, with file, line and column', async t => {
  const write = writer(t);
  const mail = write('mail', 'ann@example.org\n   example.org\n*@example.org\n');
  const clients = write('clients', '192.0.2.0/33\n');
  const triples = write('triples', '192.0.2.1 a@example.net\n192.0.2.1 /x/ b@example.org\n');
  const { message, cause } = await failure([
    { kind: 'mail', file: mail },
    { kind: 'client', file: clients },
    { kind: 'triple', file: triples },
    { kind: 'name', file: `${mail}.missing` },
  ]);
  const lines = message.split('\n');
  assert.equal(lines.length, 6);
  assert.ok(lines[0]?.startsWith(`${mail}:2:4: "example.org": expected user@example.org`), lines[0]);
  assert.ok(lines[1]?.startsWith(`${mail}:3:1: "*@example.org": expected`), lines[1]);
  assert.ok(lines[2]?.startsWith(`${clients}:1:1: "192.0.2.0/33": expected a prefix length`), lines[2]);
  assert.ok(
    lines[3]?.startsWith(`${triples}:1:1: "192.0.2.1 a@example.net": expected an address or network, a sender`),
  );
  assert.match(lines[4] ?? '', /a regular expression; a triple takes none, rules do$/);
  assert.equal(lines[5], `${mail}.missing: no such file; expected a list`);
  assert.equal((cause as NodeJS.ErrnoException).code, 'ENOENT');
});

test('a list in another encoding is told, and not taken for names that nobody has', async t => {
  const file = join(tempDir(t), 'mail');
  writeFileSync(file, Buffer.from('a@example.net\nj\xf6rg@example.net\n', 'latin1'));
  const { problems } = await failure([{ kind: 'mail', file }]);
  assert.deepEqual(
    problems.map(({ line, text }) => `${line} ${text}`),
    ['2 "j\uFFFDrg@example.net": bytes that are not UTF-8: expected UTF-8 text'],
  );
});
