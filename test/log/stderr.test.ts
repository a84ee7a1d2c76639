import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isJournal } from '../../src/log/stderr.ts';
import { run } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';

const flood = join(import.meta.dirname, '../support/log-flood.ts');
const LINES = 10_000;
/** Milliseconds that no turn of the event loop may last, on a machine that has other things to do. */
const LONG = 1_000;

function start(
  t: TestContext,
  command: string,
  args: readonly string[],
): { child: ChildProcess; printed: Promise<string> } {
  const child = spawn(command, args, { stdio: 'pipe' });
  t.after(() => void child.kill('SIGKILL'));
  child.stdin?.on('error', () => {});
  let text = '';
  const printed = new Promise<string>(resolve => {
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text);
    });
  });
  return { child, printed };
}

async function readAll(child: ChildProcess): Promise<string> {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(child, 'close');
  return text;
}

test('a reader that does not read holds nobody up; when it reads again it is told how many lines were lost', async t => {
  const { child, printed } = start(t, process.execPath, [flood, 'wait']);
  const { worst } = JSON.parse(await printed); // while nobody reads its standard error
  assert.ok(worst < LONG, `a turn of ${worst} ms`);
  const all = readAll(child);
  await sleep(200);
  child.stdin?.end();
  const lines = (await all).split('\n').slice(0, -1);
  const lost = Number(
    /msg="log lines were lost" dropped=(\d+) cause=EAGAIN$/.exec(
      lines.join('\n').match(/.*were lost.*/)?.[0] ?? '',
    )?.[1],
  );
  const kept = lines.filter(line => /^level=warn msg=flood turn=\d+ line=\d+ filler=x{200}$/.test(line)).length;
  assert.ok(lost > 0);
  assert.equal(kept + lost, LINES);
  assert.equal(lines.at(-1), 'level=warn msg=after');
  assert.equal(lines.length, kept + 2);
});

test('a reader that went away holds nobody up and kills nobody', async t => {
  const { child, printed } = start(t, process.execPath, [flood]);
  child.stderr?.destroy();
  const exit = once(child, 'exit');
  assert.ok(JSON.parse(await printed).worst < LONG);
  assert.deepEqual(await exit, [0, null]);
});

test('the same with the pipes of a shell', async t => {
  const fifo = join(tempDir(t), 'fifo');
  // The reader opens the pipe and then only holds it.
  const script = `mkfifo "${fifo}" && { sleep 20 <"${fifo}" >/dev/null 2>&1 & "${process.execPath}" "${flood}" 2>"${fifo}"; code=$?; kill $!; exit $code; }`;
  const { child, printed } = start(t, '/bin/sh', ['-c', script]);
  assert.ok(JSON.parse(await printed).worst < LONG);
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('a file gets every line', async t => {
  const file = join(tempDir(t), 'log');
  const { code } = await run('/bin/sh', ['-c', `exec "${process.execPath}" "${flood}" 2>"${file}"`]);
  assert.equal(code, 0);
  assert.equal(readFileSync(file, 'utf8').split('\n').length, LINES + 1);
});

test('a reader that keeps up gets every line, to the last before the exit', async () => {
  const { code, stderr } = await run(process.execPath, [flood]);
  assert.equal(code, 0);
  const lines = stderr.split('\n').slice(0, -1);
  const lost = /dropped=(\d+)/.exec(stderr)?.[1] ?? '0';
  assert.equal(lines.filter(line => line.includes('msg=flood')).length + Number(lost), LINES);
  assert.match(lines.at(-1) ?? '', /turn=99 line=99 |were lost/);
});

test('it is the journal only if JOURNAL_STREAM names the very stream', async () => {
  assert.equal(isJournal(undefined), false);
  assert.equal(isJournal(''), false);
  assert.equal(isJournal('1:2'), false);
  const script = `import { fstatSync } from 'node:fs';
    import { openLog } from ${JSON.stringify(join(import.meta.dirname, '../../src/log/log.ts'))};
    const { dev, ino } = fstatSync(2, { bigint: true });
    for (const stream of [\`\${dev}:\${ino}\`, \`\${dev}:\${ino + 1n}\`]) {
      process.env.JOURNAL_STREAM = stream;
      const log = openLog({ logFormat: 'logfmt', verbosity: 0 });
      log.logger.error('x');
      log.flush();
    }`;
  const { stderr } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  assert.match(stderr, /^<3>level=error msg=x\ntime=\S+ level=error msg=x\n$/);
});
