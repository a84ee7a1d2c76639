/**
 * A daemon that root starts and that becomes another user: what it leaves to whom. `/var/lib` is an empty one of its own.
 */
import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type Child, findProgram, run, spawnChild } from '../support/process.ts';
import { tempDir } from '../support/temp-dir.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const USER = 'nobody';

const skip =
  process.getuid?.() !== 0
    ? 'needs to be run as root'
    : (await findProgram('unshare')) === undefined
      ? 'unshare is not installed'
      : false;

describe('with --user', { skip }, () => {
  /** Starts the daemon in a mount namespace where `lib` stands for /var/lib. */
  function start(t: TestContext, lib: string, ...flags: readonly string[]): Child {
    const enter = 'mount --bind "$1" /var/lib && shift && exec "$@"';
    const daemon = [process.execPath, main, '--user', USER, ...flags];
    const env = { STATE_DIRECTORY: undefined, XDG_STATE_HOME: undefined, JOURNAL_STREAM: undefined };
    return spawnChild(t, 'unshare', ['--mount', 'sh', '-c', enter, 'sh', lib, ...daemon], { env });
  }

  function places(t: TestContext): { lib: string; socket: string; folder: string } {
    const [lib, run] = [tempDir(t), tempDir(t)];
    return { lib, socket: join(run, 'g.sock'), folder: join(lib, 'milter-greylist') };
  }

  test("the default folder of the database is made, and it and all files in it are that user's", async t => {
    const { lib, socket, folder } = places(t);
    const daemon = start(t, lib, '-s', socket);
    await daemon.line(/^ {2}database {4}\/var\/lib\/milter-greylist\/greylist\.db$/);
    const uid = Number((await run('id', ['-u', USER])).stdout);
    const gid = Number((await run('id', ['-g', USER])).stdout);
    assert.match(
      readFileSync(`/proc/${daemon.pid}/status`, 'utf8'),
      new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t`, 'm'),
    );
    for (const path of [folder, join(folder, 'greylist.db'), join(folder, 'greylist.db-wal')]) {
      const stat = lstatSync(path);
      assert.deepEqual([path, stat.uid, stat.gid, stat.mode & 0o077], [path, uid, gid, 0]);
    }
  });

  test("a socket in root's folder stays behind without a complaint, and the next start replaces it", async t => {
    const { lib, socket } = places(t);
    const flags = ['-s', socket, '--cachedb', ':memory:'];
    const first = start(t, lib, ...flags);
    await first.line(/msg=started/);
    const { ino, mtimeNs } = lstatSync(socket, { bigint: true });
    assert.deepEqual(await first.stop(), { code: 0, signal: null });
    assert.doesNotMatch(first.stderr, /level=(warn|error)/);
    assert.ok(existsSync(socket));
    const second = start(t, lib, ...flags);
    await second.line(/msg=started/);
    const now = lstatSync(socket, { bigint: true });
    assert.notDeepEqual([now.ino, now.mtimeNs], [ino, mtimeNs]);
  });

  test('a default folder that is there and not for that user is told, with the exit code for it', async t => {
    const { lib, socket, folder } = places(t);
    mkdirSync(folder, { mode: 0o700 });
    const daemon = start(t, lib, '-s', socket);
    const { code } = await daemon.exited;
    assert.equal(code, 77, daemon.stderr);
    assert.match(daemon.stderr, /^milter-greylist: \/var\/lib\/milter-greylist\/greylist\.db: .*\n$/);
  });
});
