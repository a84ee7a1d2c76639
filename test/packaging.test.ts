/**
 * What is packed and documented, held against the program: files that a Dockerfile or unit names exist, flags are understood,
 * lines for mail servers are those that the daemon prints, links lead somewhere.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runProgram } from '../src/cli/program.ts';
import { postfixMilter, sendmailFilter } from '../src/cli/start-message.ts';
import type { Config } from '../src/config/config.ts';
import { loadAddressList } from '../src/lists/address-list.ts';
import { type ListenAddress, parseListenAddress } from '../src/milter/listen-address.ts';
import { parseAddress } from '../src/net/address.ts';
import { CapturedOutput } from './support/captured-output.ts';
import { findProgram, run } from './support/process.ts';
import { tempDir } from './support/temp-dir.ts';

const SYSTEMD = 'packaging/systemd/milter-greylist';
const QUEUE_DIRECTORY = '/var/spool/postfix/';
const documents = globSync(['*.md', 'docs/*.md', 'examples/**/*.md']);

const read = (path: string): string => readFileSync(path, 'utf8');

/** The configuration that a command line makes. */
async function configOf(args: readonly string[]): Promise<Config> {
  let config: Config | undefined;
  const output = new CapturedOutput();
  const serve = (given: Config): Promise<number> => {
    config = given;
    return Promise.resolve(EXIT.ok);
  };
  await runProgram(args, { output, serve });
  assert.ok(config, `${args.join(' ')}: ${output.complained}`);
  return config;
}

/** The values of a key in a unit file, in order. */
function settings(unit: string, key: string): string[] {
  return [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value);
}

/** The flags in `OPTIONS=…`, split as systemd does where there are no quotes inside. */
function optionsIn(text: string): string[] {
  const options = /"?OPTIONS=(?:")?(?<flags>[^"\n]*)"/.exec(text)?.groups?.flags;
  assert.ok(options, 'OPTIONS is set');
  return options.split(' ');
}

/** Dockerfile instructions, continued lines joined. */
function instructions(name: string): string[] {
  const lines = read('Dockerfile').replaceAll('\\\n', ' ').split('\n');
  return lines.filter(line => line.startsWith(`${name} `)).map(line => line.slice(name.length + 1));
}

function commandIn(instruction: string): string[] {
  const command: unknown = JSON.parse(instruction.slice(instruction.indexOf('[')));
  assert.ok(Array.isArray(command));
  return command.map(String);
}

test('the Dockerfile copies what exists and what .dockerignore lets through', () => {
  const admitted = read('.dockerignore')
    .split('\n')
    .filter(line => line.startsWith('!'))
    .map(line => line.slice(1));
  const copies = instructions('COPY').filter(copy => !copy.startsWith('--from='));
  const sources = copies.flatMap(copy => copy.split(' ').slice(0, -1));
  assert.ok(sources.length > 5);
  for (const source of sources) {
    assert.ok(existsSync(source), `${source} exists`);
    assert.ok(admitted.includes(source), `${source} is admitted by .dockerignore`);
  }
  assert.deepEqual(admitted.toSorted(), sources.filter((source, at) => sources.indexOf(source) === at).toSorted());
});

test('the image starts the command on the port that it exposes, and asks the same port for its health', async () => {
  const [entry = ''] = instructions('ENTRYPOINT');
  const [health = ''] = instructions('HEALTHCHECK');
  const [port = ''] = instructions('EXPOSE');
  const [workdir = ''] = instructions('WORKDIR').slice(-1);
  for (const [node, script = ''] of [commandIn(entry), commandIn(health)]) {
    assert.equal(node, 'node');
    assert.ok(existsSync(script.replace(`${workdir}/`, '')), script);
  }
  const { socket: sockets } = await configOf(commandIn(entry).slice(2));
  assert.deepEqual(sockets.map(parseListenAddress), [{ kind: 'inet', host: '0.0.0.0', port: Number(port) }]);
  const [subcommand, ...flags] = commandIn(health).slice(2);
  assert.equal(subcommand, 'probe');
  assert.deepEqual(flags, ['--health', '-s', `inet:${port}@127.0.0.1`]);
});

test('the database of the image is in its volume, which belongs to the user it runs as', () => {
  const [volume = ''] = instructions('VOLUME');
  const [user = ''] = instructions('USER');
  assert.match(instructions('ENV').join(' '), new RegExp(`STATE_DIRECTORY=${volume}(?: |$)`));
  assert.match(instructions('RUN').join('\n'), new RegExp(`install -d .*-o ${user} .*${volume}$`, 'm'));
});

test('the unit, its socket and its folders name the same places and the same user', async () => {
  const unit = read(`${SYSTEMD}.service`);
  const [user = ''] = settings(unit, 'User');
  const { socket: sockets, socketGroup } = await configOf(optionsIn(unit));
  assert.equal(sockets.length, 1);
  const [path = ''] = sockets;
  assert.ok(settings(unit, 'ReadWritePaths').includes(`-${dirname(path)}`));
  assert.deepEqual(settings(unit, 'SupplementaryGroups'), [socketGroup]);
  assert.match(read(`${SYSTEMD}.tmpfiles`), new RegExp(`^d ${dirname(path)} 0710 ${user} ${socketGroup} -$`, 'm'));
  assert.match(read(`${SYSTEMD}.sysusers`), new RegExp(`^u ${user} `, 'm'));
  const socket = read(`${SYSTEMD}.socket`);
  assert.deepEqual(settings(socket, 'ListenStream'), [path]);
  assert.deepEqual(settings(socket, 'SocketGroup'), [socketGroup]);
});

test('the unit leaves alone what only a person can mend, by codes that exist', () => {
  const [prevented = ''] = settings(read(`${SYSTEMD}.service`), 'RestartPreventExitStatus');
  const codes: readonly number[] = [EXIT.usage, EXIT.noInput, EXIT.noPermission, EXIT.config];
  assert.deepEqual(prevented.split(' ').map(Number), codes);
});

test('systemd finds nothing to complain of in the units', async t => {
  const analyze = await findProgram('systemd-analyze');
  if (analyze === undefined) return t.skip('systemd-analyze is not installed');
  const folder = tempDir(t);
  // It wants to see the program; where it will be installed is unknown here.
  const unit = read(`${SYSTEMD}.service`).replace('ExecStart=milter-greylist', `ExecStart=${process.execPath}`);
  writeFileSync(join(folder, 'milter-greylist.service'), unit);
  writeFileSync(join(folder, 'milter-greylist.socket'), read(`${SYSTEMD}.socket`));
  const files = ['service', 'socket'].map(kind => join(folder, `milter-greylist.${kind}`));
  const { code, stdout, stderr } = await run(analyze, ['verify', '--man=no', ...files]);
  assert.equal(stdout + stderr, '');
  assert.equal(code, 0);
});

test('the flags in the example for /etc/default are understood', async () => {
  const { whitelist, dnsbl } = await configOf(optionsIn(read('examples/milter-greylist.default')));
  assert.equal(whitelist.files.length, 1);
  assert.equal(dnsbl.zones.length, 1);
});

test('the example lists can be read, and hold what their comments say', async () => {
  const white = await loadAddressList(['examples/whitelist']);
  const black = await loadAddressList(['examples/blacklist']);
  assert.ok(white.find(parseAddress('203.0.113.77')!));
  assert.ok(black.find(parseAddress('2001:db8:bad::7')!));
  assert.equal(black.find(parseAddress('192.0.2.25')!), undefined);
});

const inQueue = parseListenAddress(`${QUEUE_DIRECTORY}milter-greylist/milter.sock`);
const inRun = parseListenAddress('/run/milter-greylist/milter.sock');
const overTcp = parseListenAddress('inet:8892@127.0.0.1');
const lines: readonly (readonly [document: string, line: (address: ListenAddress) => string, ListenAddress])[] = [
  ['README.md', postfixMilter, inQueue],
  ['docs/postfix.md', postfixMilter, inQueue],
  ['docs/postfix.md', postfixMilter, overTcp],
  ['examples/postfix/main.cf', postfixMilter, inQueue],
  ['examples/postfix/main.cf', postfixMilter, overTcp],
  ['README.md', sendmailFilter, inRun],
  ['docs/sendmail.md', sendmailFilter, inRun],
  ['examples/sendmail/milter-greylist.mc', sendmailFilter, inRun],
];
for (const [document, line, address] of lines) {
  test(`${document} has the line that the daemon prints: ${line(address)}`, () => {
    assert.ok(read(document).includes(line(address)));
  });
}

test('every option that a document names is one of ours', async () => {
  const output = new CapturedOutput();
  for (const args of [
    ['--help'],
    ...['probe', 'dnsbl', 'explain', 'check-config', 'config'].map(name => ['help', name]),
  ])
    await runProgram(args, { output, serve: () => assert.fail('help does not serve') });
  const known = new Set([...output.printed.matchAll(/--[a-z][\w-]+/g)].map(([option]) => option));
  assert.ok(known.size > 15);
  const named = documents.flatMap(document =>
    [...read(document).matchAll(/`(?:-\w, )?(--[a-z][\w-]+)/g)].map(([, option = '']) => ({ document, option })),
  );
  assert.ok(named.length > 20);
  assert.deepEqual(
    named.filter(({ option }) => !known.has(option)),
    [],
  );
});

test('every reason that the log may give, and every exit code, is explained', () => {
  const operations = read('docs/operations.md');
  const [, unions = ''] =
    /(export type AcceptReason[\s\S]*?)export type ReasonCode/.exec(read('src/policy/verdict.ts')) ?? [];
  const reasons = [...unions.matchAll(/\| '([a-z-]+)'|= '([a-z-]+)'/g)].map(([, one, other]) => one ?? other);
  assert.ok(reasons.length > 15);
  for (const reason of reasons) assert.match(operations, new RegExp(`^\\| \`${reason}\` \\|`, 'm'));
  for (const code of Object.values(EXIT)) assert.match(operations, new RegExp(`^\\| ${code} \\|`, 'm'));
});

/** Anchors of a document's headings, as they are made where it is read. */
function anchors(markdown: string): Set<string> {
  const headings = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map(text =>
      text
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test('links in documents lead to files and headings that exist', () => {
  const broken: string[] = [];
  for (const document of documents) {
    for (const [, target = ''] of read(document).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [file = '', anchor] = target.split('#', 2);
      const path = file === '' ? document : join(dirname(document), file);
      if (!existsSync(path)) broken.push(`${document}: ${target}: no such file`);
      else if (anchor && !anchors(read(path)).has(anchor)) broken.push(`${document}: ${target}: no such heading`);
    }
  }
  assert.deepEqual(broken, []);
});
