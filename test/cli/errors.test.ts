import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CommanderError } from 'commander';
import { CliError, describeError, exitCodeOf } from '../../src/cli/errors.ts';
import { UsageError } from '../../src/config/usage-error.ts';
import { ZoneError } from '../../src/dnsbl/zone-error.ts';
import { StoreError } from '../../src/greylist/store.ts';
import { ListError } from '../../src/lists/list-error.ts';
import { AddressError } from '../../src/milter/listen-address.ts';
import { createMilter } from '../../src/milter/milter.ts';
import { ProtocolError } from '../../src/milter/protocol-error.ts';
import { SocketInUseError } from '../../src/milter/unix-socket.ts';
import { SpfMissingError } from '../../src/spf/spf.ts';

const system = (code: string, syscall: string): Error => Object.assign(new Error(code), { code, syscall });

test('each kind of error has its exit code', () => {
  const table: readonly (readonly [unknown, number])[] = [
    [new UsageError('x'), 64],
    [new CommanderError(1, 'commander.unknownOption', 'error: unknown option'), 64],
    [new CommanderError(0, 'commander.version', '1.0.0'), 0],
    [system('ENOENT', 'open'), 66],
    [system('ENOENT', 'listen'), 73],
    [system('ENOENT', 'mkdir'), 73],
    [system('EADDRINUSE', 'listen'), 73],
    [system('EADDRNOTAVAIL', 'listen'), 73],
    [system('EACCES', 'listen'), 77],
    [system('EACCES', 'open'), 77],
    [new SocketInUseError('/x is in use'), 73],
    [new StoreError('corrupt'), 73],
    [new StoreError('no', { cause: system('EACCES', 'open') }), 77],
    [new StoreError('no', { cause: system('ENOENT', 'open') }), 73],
    [new CliError(69, 'x', { cause: system('ENOENT', 'connect') }), 69],
    [new AddressError('x'), 78],
    [new ZoneError('x'), 78],
    [new ListError([]), 78],
    [new ListError([], system('ENOENT', 'open')), 66],
    [new ListError([], system('EACCES', 'open')), 77],
    [new ProtocolError('x'), 76],
    [new SpfMissingError('x', { cause: system('ERR_MODULE_NOT_FOUND', 'import') }), 69],
    [new TypeError('x is not a function'), 70],
    ['thrown text', 70],
  ];
  for (const [error, code] of table) assert.equal(exitCodeOf(error), code, String(error));
});

test('what the system really throws is understood', async () => {
  const missing = 'socket /nonexistent/socket: there is no folder /nonexistent';
  assert.throws(
    () => readFileSync('/nonexistent/list'),
    error => exitCodeOf(error) === 66,
  );
  await assert.rejects(
    createMilter({}).listen('unix:/nonexistent/socket'),
    error => exitCodeOf(error) === 73 && describeError(error).join() === missing,
  );
  await assert.rejects(
    createMilter({}).listen('fd:9999'),
    error =>
      exitCodeOf(error) === 73 &&
      /: what fd: names is no socket that can be listened on$/.test(describeError(error).join()),
  );
  const taken = createMilter({});
  const address = await taken.listen('inet:0@127.0.0.1');
  await assert.rejects(
    createMilter({}).listen(address),
    error => exitCodeOf(error) === 73 && /: perhaps the daemon runs already$/.test(describeError(error).join()),
  );
  await taken.close();
});

test('a group that may not be given is told with what would help', () => {
  const error = Object.assign(system('EPERM', 'chown'), {
    message: "EPERM: operation not permitted, chown '/run/g.sock'",
  });
  assert.equal(exitCodeOf(error), 77);
  assert.match(describeError(error).join(), /^EPERM.*'\/run\/g\.sock': only root, or who is in the group/);
});

test('an error is told in one line, wrong lists in one a problem, a fault of ours with its trace', () => {
  assert.deepEqual(describeError(new CommanderError(1, 'x', "error: unknown option '--x'\n(Did you mean --y?)")), [
    "unknown option '--x' (Did you mean --y?)",
  ]);
  assert.match(describeError(new TypeError('oops')).join('\n'), /TypeError: oops\n {4}at /);
  const problems = ['one', 'two'].map((text, line) => ({ file: '/etc/wl', line: line + 1, text }));
  assert.deepEqual(describeError(new ListError(problems)), ['/etc/wl:1: one', '/etc/wl:2: two']);
});
