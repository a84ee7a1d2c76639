import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Accounts, dropPrivileges, type Identity, parseAccount, socketGid } from '../../src/cli/privileges.ts';

const accounts: Accounts = {
  passwd:
    'root:x:0:0:root:/root:/bin/sh\ngrey:x:990:991::/nonexistent:/usr/sbin/nologin\nbroken\n+nis::::::\n42:x:977:977::/:/bin/sh\n',
  group: 'root:x:0:\npostfix:x:106:\ngrey:x:991:\nmail:x:8:postfix,grey\nstaff:x:50:greyer, gre\n',
};

test('the socket belongs to the group asked for, by name or number', () => {
  assert.equal(socketGid('mail', false, accounts), 8);
  assert.equal(socketGid('1234', false, accounts), 1234);
  assert.throws(() => socketGid('nobody-here', true, accounts), {
    message: "option --socket-group: there is no group 'nobody-here' in /etc/group",
    exitCode: 78,
  });
});

test('without one it belongs to postfix, if we are root and postfix is there', () => {
  assert.equal(socketGid(undefined, true, accounts), 106);
  assert.equal(socketGid(undefined, false, accounts), undefined);
  assert.equal(socketGid(undefined, true, { ...accounts, group: 'root:x:0:\n' }), undefined);
  assert.equal(socketGid(undefined, true, { passwd: '', group: '' }), undefined);
});

test('a user has his own primary group and all others, unless a group is named', () => {
  assert.deepEqual(parseAccount('grey', accounts), { name: 'grey', uid: 990, gid: 991, groups: [991, 8] });
  assert.deepEqual(parseAccount('grey:mail', accounts), { name: 'grey', uid: 990, gid: 8, groups: [8] });
  assert.deepEqual(parseAccount('990', accounts), { name: 'grey', uid: 990, gid: 991, groups: [991, 8] });
  assert.deepEqual(parseAccount('5555:6666', accounts), { name: '5555', uid: 5555, gid: 6666, groups: [6666] });
});

test('a user or group that does not exist is a configuration error', () => {
  const table: readonly (readonly [string, string])[] = [
    ['gray', "option --user: there is no user 'gray' in /etc/passwd"],
    ['broken', "option --user: there is no user 'broken' in /etc/passwd"],
    ['grey:gray', "option --user: there is no group 'gray' in /etc/group"],
    ['5555', 'option --user: user 5555 is not in /etc/passwd: expected user:group'],
    [':mail', "option --user: there is no user '' in /etc/passwd"],
  ];
  for (const [wanted, message] of table) assert.throws(() => parseAccount(wanted, accounts), { message, exitCode: 78 });
});

function fakeIdentity(uid: number, canReturn = false): Identity & { readonly calls: string[] } {
  const calls: string[] = [];
  let current = uid;
  return {
    calls,
    getuid: () => current,
    setgroups: groups => void calls.push(`groups ${groups}`),
    setgid: gid => void calls.push(`gid ${gid}`),
    setuid: next => {
      if (current !== 0 && !canReturn) throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
      calls.push(`uid ${next}`);
      current = next;
    },
  };
}

test('root gives up groups, then group, then user, and can not come back', () => {
  const identity = fakeIdentity(0);
  dropPrivileges(parseAccount('grey', accounts), identity);
  assert.deepEqual(identity.calls, ['groups 991,8', 'gid 991', 'uid 990']);
});

test('if root can be had again, that is not tolerated', () => {
  assert.throws(() => dropPrivileges(parseAccount('grey', accounts), fakeIdentity(0, true)), { exitCode: 70 });
});

test('who is not root can only stay who he is', () => {
  const same = fakeIdentity(990);
  dropPrivileges(parseAccount('grey', accounts), same);
  assert.deepEqual(same.calls, []);
  assert.throws(() => dropPrivileges(parseAccount('root', accounts), fakeIdentity(990)), { exitCode: 77 });
  assert.throws(() => dropPrivileges(parseAccount('grey', accounts), fakeIdentity(1000)), {
    exitCode: 77,
    message: 'option --user: only root can become grey: start as root or leave it out',
  });
});
