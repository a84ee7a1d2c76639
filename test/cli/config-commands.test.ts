import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runProgram } from '../../src/cli/program.ts';
import { CapturedOutput } from '../support/captured-output.ts';
import { type Owner, tempDir } from '../support/temp-dir.ts';

/** Runs a command with a configuration file beside which other files may stand. */
async function run(
  owner: Owner,
  args: readonly string[],
  text: string,
  files: Readonly<Record<string, string>> = {},
): Promise<{ code: number; out: string; err: string; folder: string }> {
  const folder = tempDir(owner);
  const file = join(folder, 'grey.yaml');
  writeFileSync(file, text);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const output = new CapturedOutput();
  const code = await runProgram([...args, '-c', file], { output, serve: () => assert.fail('nobody is served') });
  return { code, out: output.printed, err: output.complained, folder };
}

test('check-config: a good file, and the lines for the mail server', async t => {
  const { code, out, err, folder } = await run(t, ['check-config'], 'socket: inet:9999@127.0.0.1\n');
  assert.deepEqual([code, err], [0, '']);
  assert.equal(out.split('\n')[0], `${folder}/grey.yaml: good, no warnings`);
  assert.match(out, /^ {2}smtpd_milters = \{ inet:127\.0\.0\.1:9999, default_action=accept, command_timeout=15s \}$/m);
  assert.match(out, /^ {2}INPUT_MAIL_FILTER\(`greylist', `S=inet:9999@127\.0\.0\.1, /m);
});

test('check-config: warnings are told and change no exit code', async t => {
  const { code, out, err, folder } = await run(t, ['check-config'], 'dnsbl:\n  zones: dnsbl-3.uceprotect.net\n');
  assert.equal(code, 0);
  assert.match(out, /: good, 1 warning\n/);
  assert.ok(err.startsWith(`warning: ${folder}/grey.yaml:2:10: DNSBL dnsbl-3.uceprotect.net: `), err);
});

test('check-config: all errors of a file, exit code 78', async t => {
  const { code, out, err, folder } = await run(t, ['check-config'], 'name: a b\ngreylist: {delay: 5x}\n');
  assert.deepEqual([code, out], [78, '']);
  const lines = err.split('\n');
  assert.ok(lines[0]?.startsWith(`milter-greylist: ${folder}/grey.yaml:1:7: name: 'a b' is not a name`), err);
  assert.ok(lines[1]?.startsWith(`milter-greylist: ${folder}/grey.yaml:2:19: greylist.delay: '5x'`), err);
});

test('check-config: wrong and missing files that the configuration names, exit codes 78 and 66', async t => {
  const wrong = await run(t, ['check-config'], 'whitelist: {files: white}\n', { white: '192.0.2.1\nnonsense\n' });
  assert.equal(wrong.code, 78);
  assert.match(wrong.err, /white:2(:\d+)?: "nonsense": expected an address/);
  const missing = await run(t, ['check-config'], 'whitelist: {files: white}\n');
  assert.equal(missing.code, 66);
  assert.match(missing.err, /white: no such file/);
});

test('check-config: wrong and missing files are told together with wrong keys, and with keys that do not go together', async t => {
  const text = `name: a b
rules:
  - {if: {client: {file: clients}, sender: {file: nowhere}}, then: accept}
  - {if: {dnsbl: listed}, then: reject}
whitelist: {files: [nowhere-either]}
optIn: a@b.example
optOut: a@b.example
`;
  const { code, err, folder } = await run(t, ['check-config'], text, { clients: '192.0.2.1\nnonsense\n' });
  assert.equal(code, 78);
  assert.deepEqual(
    err.split('\n').map(line => line.replace(`milter-greylist: ${folder}/`, '').replace(/: .*/, '')),
    ['grey.yaml:1:7', 'grey.yaml:4:5', 'grey.yaml:7:9', 'clients:2:1', 'nowhere', 'nowhere-either', ''],
  );
});

test('check-config: of very many warnings the first hundred are told, soon', async t => {
  const rules = Array.from({ length: 3_000 }, (_, n) => `  - {if: {sender: "a${n}@b.example"}, then: accept}\n`);
  const started = performance.now();
  const { out, err } = await run(t, ['check-config'], `rules:\n${rules.join('')}`);
  assert.match(out, /: good, 3000 warnings\n/);
  assert.match(err, /\nand 2900 more\n$/);
  // With all of them compared to all it took a quarter of a minute.
  assert.ok(performance.now() - started < 10_000);
});

test('check-config: a configuration file that is not there, exit code 66', async () => {
  const output = new CapturedOutput();
  const options = { output, serve: () => assert.fail('nobody is served') };
  assert.equal(await runProgram(['check-config', '-c', '/nonexistent.yaml'], options), 66);
  assert.equal(output.complained, 'milter-greylist: /nonexistent.yaml: no such file: expected a configuration\n');
});

test('config --changed prints what differs from the defaults, as written, flags included and keys masked', async t => {
  const text = `greylist: {delay: 5m, lifetime: 10d}
acceptLocal: yes
dnsbl:
  zones:
    - abcdefgh12345678abcdefgh12.zen.dq.spamhaus.net
    - {zone: secret-word.bl.example, publicName: bl.example}
`;
  const { code, out } = await run(t, ['config', '--changed', '--policy', 'all'], text);
  assert.equal(code, 0);
  assert.equal(
    out,
    `greylist:
  lifetime: 10d
dnsbl:
  zones:
    - ***.zen.dq.spamhaus.net
    - zone: bl.example
      publicName: bl.example
  policy: all
`,
  );
  const nothing = await run(t, ['config', '--changed'], 'name: milter-greylist\n');
  assert.equal(nothing.out, '# nothing differs from the defaults\n');
});

test('config prints all that is in force, and what it prints is a configuration that says the same', async t => {
  const text =
    "socketMode: 0600\ngreylist: {delay: 1h30m}\nexempt: ['root', abuse]\nreplies: {early: '{WAIT} to go'}\n";
  const first = await run(t, ['config'], text);
  assert.match(first.out, /^socketMode: 0600$/m);
  assert.match(first.out, /^ {2}delay: 1h30m$/m);
  assert.match(first.out, /^ {2}lifetime: 36d$/m);
  const again = await run(t, ['config'], first.out);
  assert.deepEqual([again.code, again.err], [0, '']);
  assert.equal(again.out, first.out);
});
