import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runProgram } from '../../src/cli/program.ts';
import { CapturedOutput } from '../support/captured-output.ts';
import { findProgram, freePort, spawnChild, waitForListener } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';

test('the probe talks to a milter of another make, OpenDKIM, and shows the signature it adds', async t => {
  const opendkim = await findProgram('opendkim');
  if (opendkim === undefined) return t.skip('opendkim is not installed');
  const directory = tempDir(t);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = join(directory, 'key');
  writeFileSync(key, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  const port = await freePort();
  const settings = {
    Syslog: 'no',
    Mode: 's',
    Domain: 'example.net',
    Selector: 's',
    KeyFile: key,
    Socket: `inet:${port}@127.0.0.1`,
    InternalHosts: '0.0.0.0/0',
    RequireSafeKeys: 'no', // /tmp is not safe enough for it
  };
  const configuration = join(directory, 'opendkim.conf');
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
  writeFileSync(configuration, lines.join(''));
  const child = spawnChild(t, opendkim, ['-f', '-x', configuration]);
  await waitForListener({ port }, child);

  const output = new CapturedOutput();
  const probe = (...args: string[]): Promise<number> =>
    runProgram(['probe', '-s', `inet:${port}@127.0.0.1`, ...args], { output, serve: () => assert.fail('serves') });
  assert.equal(await probe('--health'), 0);
  assert.equal(await probe('--ip', '203.0.113.7', '--from', 'a@example.net', '--to', 'b@example.org'), 0);
  assert.equal(output.complained, '');
  assert.match(output.printed, /^ {2}RCPT TO:<b@example\.org> +accepted$/m);
  assert.match(output.printed, /^ +add header DKIM-Signature: .*d=example\.net; s=s;/m);
  assert.match(output.printed, /^ {2}\(end of message\) +accepted: the message is delivered$/m);
});
