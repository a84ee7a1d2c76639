/**
 * The `dnsbl` command from its command line to its output and exit code, with a DNS server on loopback to ask.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runProgram } from '../../src/cli/program.ts';
import { formatServer } from '../../src/dns/servers.ts';
import { CapturedOutput } from '../support/captured-output.ts';
import { a, nameOf, replyTo, soa, TYPE, txt, typeOf } from '../support/dns-message.ts';
import { ScriptedDns } from '../support/scripted-dns.ts';
import { tempDir } from '../support/temp-dir.ts';

const KEY = 'abcdefgh12345678abcdefgh12';

/** What is listed, by name; the names of `denied.test` are all refused. */
const listings: Readonly<Record<string, string>> = {
  '2.0.0.127.bl.test': '127.0.0.2',
  '7.113.0.203.bl.test': '127.0.0.4',
  '2.0.0.127.other.test': '127.0.0.2',
  [`2.0.0.127.${KEY}.zen.dq.spamhaus.net`]: '127.0.0.2',
};

async function dnsServer(t: TestContext): Promise<ScriptedDns> {
  return ScriptedDns.start(t, {
    udp({ message, send }) {
      const name = nameOf(message);
      const address = name.endsWith('.denied.test') ? '127.255.255.254' : listings[name];
      if (address === undefined)
        send(replyTo(message, { rcode: 3, authorities: [soa(name.split('.').slice(-2).join('.'), 60, 60)] }));
      else if (typeOf(message) === TYPE.A) send(replyTo(message, { answers: [a(name, address)] }));
      else send(replyTo(message, { answers: [txt(name, `listed as ${address}`)] }));
    },
  });
}

async function dnsbl(server: ScriptedDns | undefined, ...args: readonly string[]) {
  const output = new CapturedOutput();
  const resolver = server ? ['--resolver', formatServer(server.address)] : [];
  const serve = () => assert.fail('does not serve');
  const code = await runProgram(['dnsbl', ...resolver, ...args], { output, serve });
  return { code, out: output.printed, err: output.complained };
}

test('addresses are asked about, in every zone that is named, at the server that is named', async t => {
  const server = await dnsServer(t);
  const flags = ['-a', 'bl.test', '-a', 'other.test', '--policy', 'all'];
  const { code, out, err } = await dnsbl(server, ...flags, '203.0.113.7', '203.0.113.8');
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^203\.0\.113\.7 {2}clear \(policy all\)$/m);
  assert.match(out, /^ {2}bl\.test +listed +127\.0\.0\.4 +\d+ ms\n +"listed as 127\.0\.0\.4"$/m);
  assert.match(out, /^ {2}other\.test +clear +\d+ ms$/m);
  assert.match(out, /^203\.0\.113\.8 {2}clear \(policy all\)$/m);
});

test('--json is one document, the votes with it', async t => {
  const { code, out } = await dnsbl(await dnsServer(t), '-a', 'bl.test', '--json', '203.0.113.7');
  assert.equal(code, 0);
  const [report, ...more] = JSON.parse(out);
  assert.deepEqual(
    [report.address, report.outcome, report.zones[0].vote, more],
    ['203.0.113.7', 'listed', 'listed', []],
  );
});

test('--check exits with 0 if all is well, and with 69 if a zone can not be used', async t => {
  const server = await dnsServer(t);
  const well = await dnsbl(server, '-a', 'bl.test', '--check');
  assert.deepEqual([well.code, well.err], [0, '']);
  assert.match(well.out, /^ok {3}bl\.test /m);
  const ill = await dnsbl(server, '-a', 'bl.test', '-a', 'denied.test', '--check');
  assert.equal(ill.code, 69);
  assert.match(ill.out, /^FAIL denied\.test: error-answer /m);
  const { code, out } = await dnsbl(server, '-a', 'denied.test', '--check', '--json');
  assert.deepEqual([code, JSON.parse(out).zones[0].verdict], [69, 'error-answer']);
});

test('a dead zone is told on the side, and the others are asked', async t => {
  const { code, out, err } = await dnsbl(await dnsServer(t), '-a', 'dnsbl.sorbs.net', '-a', 'bl.test', '203.0.113.7');
  assert.equal(code, 0);
  assert.match(err, /level=error .*dnsbl\.sorbs\.net is not asked/);
  assert.match(out, /^203\.0\.113\.7 {2}listed/m);
  assert.doesNotMatch(out, /sorbs/);
});

test('--debugfile gets the questions and answers, and no key is in any output', async t => {
  const server = await dnsServer(t);
  const file = join(tempDir(t), 'dns.log');
  const zone = `${KEY}.zen.dq.spamhaus.net`;
  const asked = await dnsbl(server, '-a', zone, '--debugfile', file, '203.0.113.7');
  const checked = await dnsbl(server, '-a', zone, '--check', '--debugfile', file);
  assert.ok(server.queries.some(({ message }) => nameOf(message) === `7.113.0.203.${zone}`));
  const log = readFileSync(file, 'utf8');
  assert.match(log, / > A \*\*\*\.zen\.dq\.spamhaus\.net .*\n.* < A \*\*\*\.zen\.dq\.spamhaus\.net: 127\.0\.0\.2 /s);
  const lines = (mark: string) => log.split('\n').filter(line => line.includes(` ${mark} `)).length;
  assert.deepEqual([lines('>'), lines('<')], [server.queries.length, server.queries.length]);
  for (const text of [asked.out, asked.err, checked.out, checked.err, log]) assert.ok(!text.includes(KEY), text);
});

test('what makes no sense is told in one line, before anything is asked: exit code 64', async t => {
  const server = await dnsServer(t);
  for (const [args, message] of [
    [['203.0.113.7'], 'no zone to ask: expected -a ZONE'],
    [['-a', 'bl.test'], 'expected either addresses or --check'],
    [['-a', 'bl.test', '--check', '203.0.113.7'], 'expected either addresses or --check'],
    [
      ['-a', 'bl.test', '203.0.113'],
      "option <address>: '203.0.113' is not an address: expected IPv4 or IPv6, such as 203.0.113.7",
    ],
    [['-a', 'bl.test', '--reject', '203.0.113.7'], "unknown option '--reject'"],
  ] as const) {
    const { code, out, err } = await dnsbl(server, ...args);
    assert.deepEqual([code, out], [64, '']);
    assert.ok(err.startsWith(`milter-greylist: ${message}`), err);
    assert.match(err, /^[^\n]*\n$/);
  }
  assert.deepEqual(server.queries, []);
});
