import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { runProgram } from '../../src/cli/program.ts';
import { CapturedOutput } from '../support/captured-output.ts';
import { findProgram, run } from '../support/process.ts';

const PAGE = 'docs/man/milter-greylist.8';
const source = readFileSync(PAGE, 'utf8');

test('mandoc has nothing to warn of', async t => {
  const mandoc = await findProgram('mandoc');
  if (mandoc === undefined) return t.skip('mandoc is not installed');
  const { code, stdout } = await run(mandoc, ['-T', 'lint', '-W', 'warning', PAGE]);
  assert.equal(stdout, '');
  assert.equal(code, 0);
});

test('every option of the help has its paragraph in the man page', async () => {
  for (const [args, fewest] of [
    [['--help'], 19],
    [['help', 'probe'], 9],
    [['help', 'dnsbl'], 6],
    [['help', 'check-config'], 18],
    [['help', 'config'], 19],
  ] as const) {
    const output = new CapturedOutput();
    await runProgram(args, { output, serve: () => assert.fail('help does not serve') });
    const options = [...output.printed.matchAll(/^ {2}(?:-\w, )?--(?<long>[\w-]+)/gm)].map(
      ({ groups }) => groups?.long,
    );
    assert.ok(options.length >= fewest, `${args.join(' ')}: ${options}`);
    for (const option of options) {
      assert.match(source, new RegExp(`^\\.It .*Fl -${option}( |$)`, 'm'), option);
    }
  }
});

test('every exit code is in the man page, and those of a second signal', () => {
  for (const code of [...Object.values(EXIT), '130 , 143']) assert.match(source, new RegExp(`^\\.It ${code}$`, 'm'));
});
