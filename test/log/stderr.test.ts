import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isJournal } from '../../src/log/stderr.ts';
import { run } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';

const flood = join(import.meta.dirname, '../support/log-flood.ts');
const LINES = 10_000;
/** Milliseconds that no turn of the event loop may last, on a machine that has other things to do. Who waits for the reader waits for ever. */
const LONG = 15_000;

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

/** Reads on until all has been printed that there will be; `told` resolves when it says that lines were lost. */
function readAll(child: ChildProcess): { readonly told: Promise<void>; readonly all: Promise<string> } {
  const told = Promise.withResolvers<void>();
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (/were lost.*\n/.test(text)) told.resolve();
  });
  return { told: told.promise, all: once(child, 'close').then(() => text) };
}

/** How many lines it says were lost, at all times that it was so. */
function lostLines(text: string): number {
  return [...text.matchAll(/msg="log lines were lost" dropped=(\d+)/g)].reduce(
    (sum, [, lost]) => sum + Number(lost),
    0,
  );
}

test('a reader that does not read holds nobody up; when it reads again it is told how many lines were lost', async t => {
  const { child, printed } = start(t, process.execPath, [flood, 'wait']);
  const { worst } = JSON.parse(await printed); // while nobody reads its standard error
  assert.ok(worst < LONG, `a turn of ${worst} ms`);
  const { told, all } = readAll(child);
  await told;
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
  const script = `mkfifo "${fifo}" && { sleep 60 <"${fifo}" >/dev/null 2>&1 & "${process.execPath}" "${flood}" 2>"${fifo}"; code=$?; kill $!; exit $code; }`;
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

test('a reader that keeps up gets every line, to the last before the exit', async t => {
  // Not this process: it may have to wait for a processor when the other ends, which gives its reader a fifth of a second.
  const file = join(tempDir(t), 'log');
  const script = `{ "${process.execPath}" "${flood}" 2>&1 >/dev/null; echo "exit $?"; } | cat >"${file}"`;
  assert.equal((await run('/bin/sh', ['-c', script])).code, 0);
  const stderr = readFileSync(file, 'utf8');
  const lines = stderr.split('\n').slice(0, -1);
  assert.equal(lines.pop(), 'exit 0');
  assert.equal(lines.filter(line => line.includes('msg=flood')).length + lostLines(stderr), LINES);
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
