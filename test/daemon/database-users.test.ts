/**
 * Who has the database open, by the system's list of locks; and what the daemon says of it.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockers, otherUsers } from '../../src/daemon/database-users.ts';
import { startDaemon } from '../support/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';

/** As Linux 6 writes it: a lock that others wait for, one of flock(2), one without a process, and ours. */
const locks = `1: POSIX  ADVISORY  WRITE 812 fe:00:5366033 0 EOF
1: -> POSIX  ADVISORY  WRITE 813 fe:00:5366033 0 EOF
2: FLOCK  ADVISORY  WRITE 814 fe:00:5366033 0 EOF
3: OFDLCK ADVISORY  READ -1 fe:00:5366033 128 128
4: POSIX  ADVISORY  READ 30233 fe:00:5366033 1073741826 1073742335
5: POSIX  ADVISORY  READ 30233 fe:00:5366033 128 128
6: POSIX  ADVISORY  READ 900 fe:01:5366033 128 128
7: POSIX  ADVISORY  READ 901 fe:00:53660 128 128
8: POSIX  ADVISORY  READ 902 103:1f4:77 128 128
`;

test('the processes that hold a lock on the file are found, each once, and no others', () => {
  assert.deepEqual(lockers({ dev: 0xfe00n, ino: 5366033n }, locks), [812, 30233]);
  assert.deepEqual(lockers({ dev: 0xfe01n, ino: 5366033n }, locks), [900]);
  assert.deepEqual(lockers({ dev: 0xfe00n, ino: 536603n }, locks), []);
  assert.deepEqual(lockers({ dev: 0xfe00n, ino: 5366033n }, ''), []);
});

test('devices are told apart by their numbers, also by those beyond eight bits', () => {
  // makedev(0x103, 0x1f4)
  assert.deepEqual(lockers({ dev: 0x11_03f4n, ino: 77n }, locks), [902]);
});

test('a file that is not there has no users', () => {
  assert.deepEqual(otherUsers('/nonexistent/greylist.db'), []);
});

test('a second daemon on one database warns, and names the process of the first', async t => {
  const database = join(tempDir(t), 'g.db');
  const first = await startDaemon(t, { database });
  const second = await startDaemon(t, { database });
  const [, pid] = await second.child.line(/level=warn msg="another process has the database open: .* process=(\d+)/);
  assert.equal(Number(pid), first.child.pid);
  assert.doesNotMatch(first.log, /another process/);
  await Promise.all([first.stop(), second.stop()]);
  const third = await startDaemon(t, { database });
  await third.stop();
  assert.doesNotMatch(third.log, /another process/);
});
