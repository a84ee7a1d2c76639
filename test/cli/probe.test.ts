import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runProgram } from '../../src/cli/program.ts';
import { createMilter } from '../../src/milter/milter.ts';
import { acceptConnection, discardMessage, proceed, reject, reply, tempfail } from '../../src/milter/verdict.ts';
import { CapturedOutput } from '../support/captured-output.ts';
import { freePort } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const output = new CapturedOutput();
  const serve = (): never => assert.fail('a probe does not serve');
  const code = await runProgram(['probe', ...args], { output, serve });
  return { code, out: output.printed, err: output.complained };
}

async function listen(t: TestContext, milter: ReturnType<typeof createMilter>): Promise<string> {
  t.after(() => milter.close());
  return milter.listen('inet:0@127.0.0.1');
}

const MAIL = ['--ip', '203.0.113.7', '--helo', 'mx.example.net', '--from', 'a@example.net', '--to', 'b@example.org'];

/** The dialogue's lines, what was said and what was answered. */
function steps(out: string): [string, string][] {
  return out
    .split('\n')
    .filter(line => /^ {2}\S.* {2,}\S/.test(line))
    .map(line => {
      const [said = '', ...answer] = line.trim().split(/ {2,}/);
      return [said, answer.join('  ')];
    });
}

test('a recipient that has to wait is told as the client would see it, and the message ends there', async t => {
  let seconds = 300;
  const at = await listen(
    t,
    createMilter({
      rcpt: () => reply(451, '4.7.1', `Greylisting in action, please come back later (${seconds--} secs)`),
    }),
  );
  const { code, out, err } = await run('-s', at, ...MAIL, '--repeat', '2', '--pause', '10ms');
  assert.deepEqual([code, err], [0, '']);
  const rcpt = steps(out).filter(([said]) => said.startsWith('RCPT'));
  assert.deepEqual(rcpt, [
    ['RCPT TO:<b@example.org>', '451 4.7.1 Greylisting in action, please come back later (300 secs)'],
    ['RCPT TO:<b@example.org>', '451 4.7.1 Greylisting in action, please come back later (299 secs)'],
  ]);
  assert.equal(out.match(/no recipient is left/g)?.length, 2);
  assert.match(out, /^try 1 of 2 at inet:\d+@127\.0\.0\.1$/m);
  assert.doesNotMatch(out, /DATA|Subject/);
});

test('the milter is told client, HELO, sender and recipients as by an MTA', async t => {
  const seen: unknown[] = [];
  const at = await listen(
    t,
    createMilter({
      connect: connection => {
        seen.push(connection.hostname, connection.peer, connection.macros.get('j') !== undefined);
        return proceed;
      },
      helo: connection => {
        seen.push(connection.helo);
        return proceed;
      },
      mail: message => {
        seen.push(message.sender.argv);
        return proceed;
      },
      rcpt: (_, recipient) => {
        seen.push(recipient.argv);
        return proceed;
      },
    }),
  );
  const { code } = await run('-s', at, '--ip', '2001:DB8::1', '--from', '<>', '--to', '<b@example.org>', '--to', 'c@x');
  assert.equal(code, 0);
  assert.deepEqual(seen, [
    '[2001:db8::1]',
    { family: 'ipv6', address: '2001:db8::1', port: 25_000 },
    true,
    '[IPv6:2001:db8::1]',
    ['<>'],
    ['<b@example.org>'],
    ['<c@x>'],
  ]);
});

test('an accepted message goes through to its end, with the headers it would get', async t => {
  const at = await listen(
    t,
    createMilter({
      actions: ['addHeaders'],
      rcpt: (_, { address }) => (address === 'b@example.org' ? proceed : tempfail),
      header: () => proceed,
      eom: (_, edits) => {
        edits.insertHeader(0, 'X-Greylist', 'delayed 314 seconds\n by test');
        return proceed;
      },
    }),
  );
  const { code, out } = await run('-s', at, ...MAIL, '--to', 'c@example.org');
  assert.equal(code, 0);
  const said = new Map(steps(out));
  assert.equal(said.get('RCPT TO:<b@example.org>'), 'accepted');
  assert.equal(said.get('RCPT TO:<c@example.org>'), 'try later: the client sees 451 4.7.1');
  assert.equal(said.get('Subject: milter-greylist probe'), 'go on');
  assert.equal(said.get('DATA'), '- (does not want to know)');
  assert.equal(said.get('(end of message)'), 'accepted: the message is delivered');
  assert.match(out, / add header X-Greylist: delayed 314 seconds \/ by test$/m);
  assert.match(out, /^ {2}milter protocol 6; is told of .*RCPT.*headers.*end of message; may change headers$/m);
});

test('a verdict on the whole ends the dialogue', async t => {
  const table = [
    [createMilter({ connect: () => acceptConnection }), 'connection from 203.0.113.7', 'accept: no more questions'],
    [createMilter({ mail: () => reject }), 'MAIL FROM:<a@example.net>', 'reject: the client sees 550 5.7.1'],
    [
      createMilter({ rcpt: () => discardMessage }),
      'RCPT TO:<b@example.org>',
      'discard: the client sees success, nobody gets the mail',
    ],
  ] as const;
  for (const [milter, said, answer] of table) {
    const { code, out } = await run('-s', await listen(t, milter), ...MAIL);
    assert.equal(code, 0);
    assert.deepEqual(steps(out).at(-1), [said, answer]);
  }
});

test('--health negotiates and leaves: no client, no message', async t => {
  const seen: string[] = [];
  const at = await listen(
    t,
    createMilter({
      connect: () => {
        seen.push('connect');
        return proceed;
      },
      close: () => void seen.push('close'),
      rcpt: () => proceed,
    }),
  );
  const { code, out } = await run('--health', '-s', at);
  assert.equal(code, 0);
  assert.match(out, /^inet:\d+@127\.0\.0\.1: milter protocol 6; /);
  assert.deepEqual(seen, []);
});

test('nobody there: exit code 69', async t => {
  const port = await freePort();
  for (const at of [`inet:${port}@127.0.0.1`, `unix:${join(tempDir(t), 'none.sock')}`]) {
    for (const args of [['--health'], MAIL]) {
      const { code, err } = await run('-s', at, ...args);
      assert.equal(code, 69);
      assert.match(err, new RegExp(`^milter-greylist: no milter at ${at}: .*\\n$`));
    }
  }
});

test('who closes the connection or speaks something else is a protocol error: exit code 76', async t => {
  for (const [answer, message] of [
    [undefined, /the milter closed the connection/],
    ['220 mx.example.org ESMTP Postfix\r\n', /./],
    ['\0\0\0\x01c', /answer 0x63 to the negotiation/],
  ] as const) {
    const server = createServer(socket => {
      socket.on('error', () => {});
      socket.once('data', () => (answer === undefined ? socket.destroy() : socket.end(answer, 'latin1')));
    });
    t.after(() => void server.close());
    const port = await freePort();
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
    for (const args of [['--health'], MAIL]) {
      const { code, err } = await run('-s', `inet:${port}@127.0.0.1`, ...args);
      assert.equal(code, 76, err);
      assert.match(err, message);
      assert.equal(err.split('\n').length, 2, err);
    }
  }
});

test("what a milter answers can't play with the terminal", async t => {
  // A reply with an escape sequence; this library's own milter would not send it.
  const answers = [
    '\0\0\0\x0dO\0\0\0\x06\0\0\0\0\0\0\0\0',
    '\0\0\0\x01c',
    '\0\0\0\x01c',
    '\0\0\0\x01c',
    '\0\0\0\x0dy451 \x1b[2J\u009bhi\0',
  ];
  const server = createServer(socket => {
    socket.on('error', () => {});
    socket.on('data', () => {
      const next = answers.shift();
      if (next !== undefined) socket.write(next, 'latin1');
    });
  });
  t.after(() => void server.close());
  const port = await freePort();
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  const { out, err } = await run('-s', `inet:${port}@127.0.0.1`, ...MAIL);
  assert.doesNotMatch(out + err, /[^\P{C}\n]/u);
  assert.match(out + err, /\\u001b\[2J/);
});

test('what is missing or wrong on the command line is a usage error: exit code 64', async () => {
  const table: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /option --ip is missing: expected the address of a client/],
    [['--ip', '203.0.113.7'], /option --from is missing/],
    [['--ip', '203.0.113.7', '--from', ''], /option --to is missing/],
    [['--ip', '203.0.113'], /option --ip: '203\.0\.113' is not an address/],
    [[...MAIL, '--repeat', '0'], /option --repeat: '0': expected a number from 1 on/],
    [[...MAIL, '--pause', 'soon'], /option --pause: 'soon' is not a duration/],
    [['-s', 'fd:3', '--health'], /option -s, --socket: 'fd:3': expected an address, not a descriptor/],
    [['-s', 'nonsense', '--health'], /option -s, --socket: socket "nonsense": expected/],
    [['more'], /too many arguments|unknown/],
  ];
  for (const [args, message] of table) {
    const { code, err } = await run(...args);
    assert.equal(code, 64, args.join(' '));
    assert.match(err, message);
    assert.match(err, /^milter-greylist: [^\n]*\(--help tells more\)\n$/);
  }
});
