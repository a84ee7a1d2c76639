import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CliError } from '../../src/cli/errors.ts';
import { runProgram } from '../../src/cli/program.ts';
import type { Config } from '../../src/config/config.ts';
import { ListError } from '../../src/lists/list-error.ts';
import { CapturedOutput } from '../support/captured-output.ts';

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly served: readonly Config[];
}

async function run(args: readonly string[], serve: () => Promise<number> = async () => 0): Promise<Result> {
  const output = new CapturedOutput();
  const served: Config[] = [];
  const code = await runProgram(args, {
    output,
    serve: config => {
      served.push(config);
      return serve();
    },
  });
  return { code, out: output.printed, err: output.complained, served };
}

test('without a command it serves, with the exit code of serving', async () => {
  const { code, served } = await run(['-s', '/run/x.sock', '-v'], async () => 73);
  assert.equal(code, 73);
  assert.deepEqual([served.length, served[0]?.socket, served[0]?.log.verbosity], [1, ['/run/x.sock'], 1]);
});

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const flag of ['-V', '--version'])
    assert.deepEqual(await run([flag]), { code: 0, out: `${version}\n`, err: '', served: [] });
});

test('--help names every flag and fits a terminal of 80 columns but for the examples', async () => {
  const { code, out, served } = await run(['--help']);
  assert.deepEqual([code, served.length], [0, 0]);
  for (const flag of [
    ...[
      '-n, --name',
      '-s, --socket',
      '-a, --addbl',
      '-v, --verbose',
      '-h, --help',
      '-V, --version',
      '--policy',
      '--reject',
    ],
    ...[
      '--no-reject',
      '--greytimeout',
      '--cachedb',
      '--custom-wl',
      '--custom-bl',
      '--debugfile',
      '--resolver',
      '--user',
    ],
    ...['--socket-mode', '--socket-group', '--log-format', '--no-accept-local', 'probe'],
  ])
    assert.ok(out.includes(`  ${flag} `), flag);
  for (const line of out.slice(0, out.indexOf('Examples:')).split('\n')) assert.ok(line.length <= 80, line);
  assert.deepEqual(await run(['-h']), { code, out, err: '', served: [] });
  assert.equal((await run(['help'])).out, out);
  assert.match((await run(['help', 'probe'])).out, /--health/);
});

test('wrong flags and commands are told in one line: exit code 64', async () => {
  const table: readonly (readonly [readonly string[], string])[] = [
    [['--sokket', 'x'], "unknown option '--sokket' (Did you mean --socket?)"],
    [['-s'], "option '-s, --socket <address>' argument missing"],
    [
      ['frobnicate'],
      "unknown command 'frobnicate': expected options, or one of the commands probe, dnsbl, explain, check-config, config",
    ],
    [
      ['--greytimeout=x'],
      "option --greytimeout: 'x' is not a duration: expected seconds, or numbers with units w d h m s ms, largest first, such as 300, 5m or 1h30m",
    ],
  ];
  for (const [args, message] of table) {
    const { code, out, err, served } = await run(args);
    assert.deepEqual([code, out, served.length], [64, '', 0]);
    assert.equal(err, `milter-greylist: ${message} (--help tells more)\n`);
  }
});

test('a DNSBL key is shown nowhere, wherever it was typed', async () => {
  const zone = 'abcdefgh12345678abcdefgh12.zen.dq.spamhaus.net';
  for (const args of [['-a', `${zone}=x`], [zone], ['-s', zone], [`--addbl=${zone}*x`], ['--policy', zone]]) {
    const { code, out, err } = await run(args);
    assert.equal(code, 64);
    assert.doesNotMatch(out + err, /abcdefgh/, args.join(' '));
  }
});

test('an error while serving is told with its exit code; wrong lists line by line', async () => {
  assert.deepEqual(
    await run([], () => Promise.reject(new CliError(77, 'no permission'))).then(({ code, err }) => [code, err]),
    [77, 'milter-greylist: no permission\n'],
  );
  const problems = ['one', 'two'].map((text, line) => ({ file: '/etc/wl', line: line + 1, text }));
  const { code, err } = await run([], () => Promise.reject(new ListError(problems)));
  assert.equal(code, 78);
  assert.equal(err, 'milter-greylist: /etc/wl:1: one\nmilter-greylist: /etc/wl:2: two\n');
});
