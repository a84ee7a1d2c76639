import assert from 'node:assert/strict';
import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exitCodeOf } from '../../src/cli/errors.ts';
import { StoreError } from '../../src/greylist/store.ts';
import { databasePath, type Surroundings, systemSurroundings } from '../../src/stores/database-path.ts';
import { tempDir } from '../support/temp-dir.ts';

function surroundings(env: Surroundings['env'], writable: readonly string[]): Surroundings & { asked: string[] } {
  const asked: string[] = [];
  const ensureFolder = (path: string): boolean => {
    asked.push(path);
    return writable.includes(path);
  };
  return { env, home: () => '/home/ann', ensureFolder, asked };
}

test('the path that is given is the path, from where we are', () => {
  const here = surroundings({ STATE_DIRECTORY: '/srv/state' }, ['/var/lib/milter-greylist']);
  assert.equal(databasePath('/some/file.db', undefined, here), '/some/file.db');
  assert.equal(databasePath('./some/file.db', undefined, here), join(process.cwd(), 'some/file.db'));
  assert.deepEqual(here.asked, []);
});

test('the state directory of systemd comes first, the first of several', () => {
  const one = surroundings({ STATE_DIRECTORY: '/var/lib/private/mg' }, ['/var/lib/milter-greylist']);
  assert.equal(databasePath(undefined, undefined, one), '/var/lib/private/mg/greylist.db');
  const two = surroundings({ STATE_DIRECTORY: '/srv/a:/srv/b' }, []);
  assert.equal(databasePath(undefined, undefined, two), '/srv/a/greylist.db');
});

test('without it the database is below /var/lib, if it can be made there', () => {
  for (const env of [{}, { STATE_DIRECTORY: '' }, { XDG_STATE_HOME: '/home/ann/state' }]) {
    const here = surroundings(env, ['/var/lib/milter-greylist', '/home/ann/state/milter-greylist']);
    assert.equal(databasePath(undefined, undefined, here), '/var/lib/milter-greylist/greylist.db');
    assert.deepEqual(here.asked, ['/var/lib/milter-greylist']);
  }
});

test("else it is in the user's state directory, which is made", () => {
  const told = surroundings({ XDG_STATE_HOME: '/home/ann/state' }, []);
  assert.equal(databasePath(undefined, undefined, told), '/home/ann/state/milter-greylist/greylist.db');
  assert.deepEqual(told.asked, ['/var/lib/milter-greylist', '/home/ann/state/milter-greylist']);
  for (const invalid of [undefined, '', 'relative/state']) {
    const here = surroundings({ XDG_STATE_HOME: invalid }, []);
    assert.equal(databasePath(undefined, undefined, here), '/home/ann/.local/state/milter-greylist/greylist.db');
  }
});

test('who has no home, as a mere number in a container, is told what to name', () => {
  const homeless = (env: Surroundings['env']): Surroundings => ({
    ...surroundings(env, []),
    home: () => {
      throw new Error('uv_os_homedir returned ENOENT');
    },
  });
  assert.throws(
    () => databasePath(undefined, undefined, homeless({})),
    error =>
      error instanceof StoreError && /--cachedb.*STATE_DIRECTORY/.test(error.message) && exitCodeOf(error) === 73,
  );
  const told = homeless({ XDG_STATE_HOME: '/srv/state' });
  assert.equal(databasePath(undefined, undefined, told), '/srv/state/milter-greylist/greylist.db');
});

test('a folder that is made belongs to who will use it, and nobody else may look into it', {
  skip: process.getuid?.() === 0 ? false : 'needs to be run as root',
}, t => {
  const base = tempDir(t);
  const folder = join(base, 'state', 'milter-greylist');
  assert.equal(systemSurroundings.ensureFolder(folder, { uid: 12_345, gid: 54_321 }), true);
  const { uid, gid, mode } = lstatSync(folder);
  assert.deepEqual({ uid, gid, mode: mode & 0o777 }, { uid: 12_345, gid: 54_321, mode: 0o700 });
  assert.deepEqual([lstatSync(join(base, 'state')).uid, lstatSync(join(base, 'state')).mode & 0o005], [0, 0o005]);
});

test('a folder that is there keeps its owner', t => {
  const folder = join(tempDir(t), 'milter-greylist');
  mkdirSync(folder);
  const { uid } = lstatSync(folder);
  assert.equal(systemSurroundings.ensureFolder(folder, { uid: 12_345, gid: 54_321 }), true);
  assert.equal(lstatSync(folder).uid, uid);
});
