/**
 * `explain` beside a running daemon: a process of its own that looks at the daemon's database and changes nothing.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { run, spawnChild } from '../support/process.ts';
import { storedDecisions } from '../support/stored-decisions.ts';
import { tempDir } from '../support/temp-dir.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const mail = ['--ip', '203.0.113.7', '--from', 'a@example.net', '--to', 'b@example.org'];

const RULES = `
greylist: {delay: 1m}
history: 3
rules:
  - name: bad helo
    if: {helo: localhost}
    then: {reject: {code: 550, text: 'No HELO localhost ({ID})'}}
replies:
  greylisted: 'Wait {WAIT} s ({ID})'
`;

interface Rig {
  readonly directory: string;
  readonly explain: (...args: string[]) => ReturnType<typeof run>;
  readonly probe: (...args: string[]) => ReturnType<typeof run>;
  /** The ids that are stored once so many decisions were made, and the last of them is. */
  readonly ids: (decisions: number) => Promise<readonly string[]>;
}

async function rig(t: TestContext): Promise<Rig> {
  const directory = tempDir(t);
  const [socket, file] = [join(directory, 'g.sock'), join(directory, 'c.yaml')];
  writeFileSync(file, `${RULES}\nsocket: ${socket}\ndatabase: ${join(directory, 'g.db')}\n`);
  const daemon = spawnChild(t, process.execPath, [main, '-c', file], { env: { JOURNAL_STREAM: undefined } });
  await daemon.line(/msg=started/);
  const command = (name: string, ...args: string[]) => run(process.execPath, [main, name, ...args]);
  return {
    directory,
    explain: (...args) => command('explain', '-c', file, ...args),
    probe: (...args) => command('probe', '-s', socket, ...mail, ...args),
    async ids(decisions) {
      const last = await daemon.printed(`${decisions} decisions`, () => {
        const logged = [...daemon.stderr.matchAll(/ id=(\S+).*\n/g)].map(([, id = '']) => id);
        return logged[decisions - 1];
      });
      return storedDecisions(join(directory, 'g.db'), last);
    },
  };
}

test('explain tells what the daemon would say, with what is stored, and changes nothing', async t => {
  const { directory, explain, probe } = await rig(t);
  await probe();
  const rows = () => {
    const database = new Database(join(directory, 'g.db'), { readonly: true });
    const found = database.prepare('SELECT * FROM triplet').all();
    database.close();
    return found;
  };
  const before = rows();
  const { code, stdout, stderr } = await explain(...mail);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^database {2}.*g\.db$/m);
  assert.match(
    stdout,
    /^ 2 rules +no word\n +1 rule; 203\.0\.113\.7, no name, <a@example\.net>, <b@example\.org>, HELO/m,
  );
  assert.match(
    stdout,
    / greylist +greylist \(early\)\n +203\.0\.113\.0\/24 <a@example\.net> <b@example\.org>: pending since .*, 1 attempt,/,
  );
  assert.match(stdout, /^reply {5}451 4\.7\.1 Greylisting still in action, please come back later \(\d+ secs\)$/m);
  await explain(...mail);
  assert.equal(before.length, 1);
  assert.deepEqual(rows(), before);
});

test('a rejection names its rule, with file and line, and the checks that were not asked', async t => {
  const { explain } = await rig(t);
  const { stdout } = await explain(...mail, '--helo', 'localhost');
  assert.match(stdout, /^ 2 rules +reject \(rule\) rule="?bad helo"? rule_at=\S*c\.yaml:\d+$/m);
  assert.match(stdout, /^ +not asked: whitelist, blacklist, exempt, autowhite, greylist$/m);
  assert.match(stdout, /^reply {5}550 5\.7\.1 No HELO localhost \(explain\.1\)$/m);
});

test('a bounce is explained to the end of its message', async t => {
  const { explain } = await rig(t);
  const { stdout } = await explain('--ip', '203.0.113.7', '--from', '', '--to', 'b@example.org');
  assert.match(
    stdout,
    /^verdict {3}accept \(end-of-message\), by greylist\nmessage {3}greylist \(new\) at its end\nreply {5}451 /m,
  );
});

test('the last decisions are told by the id that stands in log and reply; older ones are gone', async t => {
  const { directory, explain, probe, ids } = await rig(t);
  const { stdout: dialogue } = await probe('--repeat', '5', '--pause', '0');
  const stored = await ids(5);
  assert.equal(stored.length, 3);
  const [, first = ''] = /Wait 60 s \((\S+)\)/.exec(dialogue) ?? [];
  const last = stored.at(-1) as string;
  const { stdout } = await explain('--id', last);
  assert.match(stdout, new RegExp(`^decision {2}${last} at 20`));
  assert.match(
    stdout,
    /^verdict {3}greylist \(early\), by greylist\nreply {5}451 4\.7\.1 Greylisting still in action/m,
  );
  const json = JSON.parse((await explain('--id', last, '--json')).stdout) as Record<string, unknown>;
  assert.deepEqual([json.id, json.reason, json.recipient], [last, 'early', 'b@example.org']);
  const gone = await explain('--id', first);
  assert.equal(gone.code, 69);
  const why = `expected the id= of a log line, of the last 3 decisions in ${join(directory, 'g.db')}`;
  assert.equal(gone.stderr, `milter-greylist: no decision with id '${first}' is remembered: ${why}\n`);
  const both = await explain('--id', last, '--ip', '203.0.113.7');
  assert.equal(both.code, 64);
  assert.match(both.stderr, /'--id <id>' cannot be used with option '--ip <address>'/);
});

test('without a database there are no decisions to tell', async t => {
  const none = join(tempDir(t), 'g.db');
  const { code, stderr } = await run(process.execPath, [main, 'explain', '--cachedb', none, '--id', 's-1.1']);
  assert.equal(code, 69);
  assert.match(stderr, /no decision with id 's-1\.1' is remembered: there is no database/);
});

test('without a database nothing is known, and none is made', async t => {
  const path = join(tempDir(t), 'g.db');
  const { code, stdout } = await run(process.execPath, [main, 'explain', '--cachedb', path, '--json', ...mail]);
  assert.equal(code, 0);
  const told = JSON.parse(stdout) as { database: unknown; decision: { verdict: { reason: string } } };
  assert.deepEqual([told.database, told.decision.verdict.reason], [null, 'new']);
  assert.throws(() => new Database(path, { fileMustExist: true }));
});

for (const [args, message] of [
  [['--from', 'a@b', '--to', 'c@d'], /option --ip is missing/],
  [['--ip', 'nonsense'], /option --ip: 'nonsense' is not an address: expected IPv4 or IPv6/],
  [[...mail, '--macro', 'x'], /option --macro: 'x' is not a macro with its value: expected NAME=VALUE/],
] as const) {
  test(`explain ${args.join(' ')} is a usage error`, async () => {
    const { code, stderr } = await run(process.execPath, [main, 'explain', ...args]);
    assert.equal(code, 64);
    assert.match(stderr, message);
  });
}
