/**
 * The daemon under Debian's `miltertest`, an MTA of another make than ours, with a script in Lua.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { freePort, run } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';
import { missing } from './support/requirement.ts';

const script = join(import.meta.dirname, 'miltertest.lua');
const skip = await missing(['miltertest']);

for (const transport of ['unix', 'inet'] as const) {
  test(`miltertest is content with the daemon, over ${transport}`, { skip }, async t => {
    const path = join(tempDir(t), 'milter.sock');
    const port = await freePort();
    const [ours, theirs] =
      transport === 'unix' ? [path, `local:${path}`] : [`inet:${port}@127.0.0.1`, `inet:${port}@127.0.0.1`];
    const daemon = await startDaemon(t, { socket: ours, flags: ['--greytimeout', '1s'] });
    const { code, stdout, stderr } = await run('miltertest', ['-D', `sock=${theirs}`, '-s', script]);
    assert.equal(`${code}: ${stdout.trim().split('\n').at(-1)}`, '0: OK', stdout + stderr);
    await daemon.decision({ client_address: '10.0.0.7' });
    assert.deepEqual(
      daemon.decisions().map(({ action, client_address }) => `${client_address} ${action}`),
      ['203.0.113.7', '2001:db8::7']
        .flatMap(address =>
          // The null sender's recipient is decided on twice: at RCPT and at the end.
          [...'gagaaaag'].map(letter => `${address} ${letter === 'g' ? 'greylist' : 'accept'}`),
        )
        .concat('10.0.0.7 accept'),
    );
    assert.doesNotMatch(daemon.log, /level=(warn|error)/);
  });
}
