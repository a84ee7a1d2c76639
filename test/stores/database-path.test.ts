import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databasePath, type Surroundings } from '../../src/stores/database-path.ts';

function surroundings(env: Surroundings['env'], writable: readonly string[]): Surroundings & { asked: string[] } {
  const asked: string[] = [];
  const ensureFolder = (path: string): boolean => {
    asked.push(path);
    return writable.includes(path);
  };
  return { env, home: () => '/home/ann', ensureFolder, asked };
}

test('the path that is given is the path', () => {
  const here = surroundings({ STATE_DIRECTORY: '/srv/state' }, ['/var/lib/milter-greylist']);
  assert.equal(databasePath('some/file.db', here), 'some/file.db');
  assert.deepEqual(here.asked, []);
});

test('the state directory of systemd comes first, the first of several', () => {
  const one = surroundings({ STATE_DIRECTORY: '/var/lib/private/mg' }, ['/var/lib/milter-greylist']);
  assert.equal(databasePath(undefined, one), '/var/lib/private/mg/greylist.db');
  const two = surroundings({ STATE_DIRECTORY: '/srv/a:/srv/b' }, []);
  assert.equal(databasePath(undefined, two), '/srv/a/greylist.db');
});

test('without it the database is below /var/lib, if it can be made there', () => {
  for (const env of [{}, { STATE_DIRECTORY: '' }, { XDG_STATE_HOME: '/home/ann/state' }]) {
    const here = surroundings(env, ['/var/lib/milter-greylist', '/home/ann/state/milter-greylist']);
    assert.equal(databasePath(undefined, here), '/var/lib/milter-greylist/greylist.db');
    assert.deepEqual(here.asked, ['/var/lib/milter-greylist']);
  }
});

test("else it is in the user's state directory, which is made", () => {
  const told = surroundings({ XDG_STATE_HOME: '/home/ann/state' }, []);
  assert.equal(databasePath(undefined, told), '/home/ann/state/milter-greylist/greylist.db');
  assert.deepEqual(told.asked, ['/var/lib/milter-greylist', '/home/ann/state/milter-greylist']);
  for (const invalid of [undefined, '', 'relative/state']) {
    const here = surroundings({ XDG_STATE_HOME: invalid }, []);
    assert.equal(databasePath(undefined, here), '/home/ann/.local/state/milter-greylist/greylist.db');
  }
});
