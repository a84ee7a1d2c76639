import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Command } from '../../src/milter/constants.ts';
import { decodeXtext, MacroStore } from '../../src/milter/macros.ts';

const { connect, helo, mail, rcpt, data, header, endOfHeader, body, endOfMessage, unknown } = Command;

/** Tells macros as a packet would, from the middle of a buffer. */
function tell(store: MacroStore, command: number, payload: string): void {
  const bytes = Buffer.from(`..${String.fromCharCode(command)}${payload}..`, 'latin1');
  store.put(bytes, 2, bytes.length - 2);
}

/** A store in which these macros were told, each right before its command. */
function after(...told: readonly (readonly [number, string])[]): MacroStore {
  const store = new MacroStore();
  for (const [command, payload] of told) {
    tell(store, command, payload);
    store.arrived(command);
  }
  return store;
}

test('macros are found with and without braces, however they were sent', () => {
  const store = after([mail, 'i\x00ID\0{auth_authen}\0user\0mail_addr\0a@b\0']);
  for (const name of ['i', '{i}']) assert.equal(store.get(name), 'ID');
  for (const name of ['auth_authen', '{auth_authen}']) assert.equal(store.get(name), 'user');
  for (const name of ['mail_addr', '{mail_addr}']) assert.equal(store.get(name), 'a@b');
  assert.equal(store.get('auth'), undefined);
  assert.equal(store.get(''), undefined);
});

test('an empty value is a value; a name without one is not there', () => {
  const store = after([rcpt, '{rcpt_host}\0\0{rcpt_mailer}\0local\0i\0']);
  assert.equal(store.get('rcpt_host'), '');
  assert.equal(store.get('rcpt_mailer'), 'local');
  assert.equal(store.get('i'), undefined);
  assert.equal(after([rcpt, 'i']).get('i'), undefined);
  assert.equal(after([rcpt, 'i\x00ID']).get('i'), 'ID');
});

test('a value is not taken for a name', () => {
  const store = after([connect, '_\0v\0j\0mx\0']);
  assert.equal(store.get('v'), undefined);
  assert.equal(store.get('_'), 'v');
});

test('a packet replaces what its stage had, and an empty one clears it', () => {
  const store = after([rcpt, '{rcpt_addr}\x00u1\0{rcpt_host}\0h\0'], [rcpt, '{rcpt_addr}\x00u2\0']);
  assert.equal(store.get('rcpt_addr'), 'u2');
  assert.equal(store.get('rcpt_host'), undefined);
  tell(store, rcpt, '');
  store.arrived(rcpt);
  assert.equal(store.get('rcpt_addr'), undefined);
});

test('macros come into force with their command, not before', () => {
  const store = after([connect, 'j\0mx\0'], [mail, 'i\x00ONE\0']);
  tell(store, mail, 'i\x00TWO\0');
  assert.equal(store.get('i'), 'ONE');
  store.arrived(mail);
  assert.equal(store.get('i'), 'TWO');
});

test('a command without macros makes those of its stage and the later ones stale', () => {
  const store = after(
    [connect, 'j\0mx\0'],
    [helo, 'cipher\0x\0'],
    [mail, 'i\x00ID\0'],
    [rcpt, 'r\x00u1\0'],
    [data, 'd\x001\0'],
  );
  store.arrived(rcpt);
  assert.equal(store.get('r'), undefined);
  assert.equal(store.get('d'), undefined);
  assert.equal(store.get('i'), 'ID');
  store.arrived(mail);
  assert.equal(store.get('i'), undefined);
  assert.equal(store.get('cipher'), 'x');
  store.arrived(helo);
  assert.equal(store.get('cipher'), undefined);
  assert.equal(store.get('j'), 'mx');
  store.arrived(connect);
  assert.equal(store.get('j'), undefined);
});

test('macros of MAIL told before an implied HELO are there at MAIL', () => {
  const store = after([connect, 'j\0mx\0']);
  tell(store, mail, 'i\x00ID\0');
  store.arrived(helo);
  assert.equal(store.get('i'), undefined);
  store.arrived(mail);
  assert.equal(store.get('i'), 'ID');
});

test('macros of an event that is not wanted are in force from the next command on', () => {
  const store = after([mail, 'a\x001\0'], [rcpt, 'b\x002\0']);
  tell(store, data, 'i\x00ID\0');
  tell(store, endOfHeader, 'h\x003\0');
  store.arrived(endOfMessage);
  assert.equal(store.get('i'), 'ID');
  assert.equal(store.get('h'), '3');
});

test('the newest stage wins, and the end of the message is newer than the end of its header', () => {
  const order = [connect, helo, mail, rcpt, data, header, endOfHeader, body, endOfMessage];
  const store = new MacroStore();
  for (const command of order) {
    tell(store, command, `x\0${command}\0`);
    store.arrived(command);
    assert.equal(store.get('x'), String(command));
  }
  assert.equal(store.get('{x}'), String(endOfMessage));
});

test('the macros of later stages can be forgotten, with those told ahead', () => {
  const store = after([connect, 'j\0mx\0'], [mail, 'i\x00ID\0'], [rcpt, 'r\x00u1\0']);
  tell(store, data, 'd\x001\0');
  store.clearFrom(mail);
  store.arrived(data);
  assert.deepEqual(
    [store.get('i'), store.get('r'), store.get('d'), store.get('j')],
    [undefined, undefined, undefined, 'mx'],
  );
});

test('macros of UNKNOWN, of no command, and of nothing at all disturb nothing', () => {
  const store = after([mail, 'i\x00ID\0']);
  tell(store, unknown, 'i\x00WRONG\0');
  store.arrived(unknown);
  tell(store, 0xff, 'i\x00WRONG\0');
  tell(store, 0, 'i\x00WRONG\0');
  store.put(Buffer.from('R'), 1, 1);
  assert.equal(store.get('i'), 'ID');
});

test('bytes that are no UTF-8 are kept apart', () => {
  const store = after([mail, '{mail_addr}\0\xe4@b\0{mail_host}\0\xc3\xa4\0']);
  assert.equal(store.get('mail_addr'), '\udce4@b');
  assert.equal(store.get('mail_host'), 'ä');
});

test('any pairs told are found again', () => {
  const name = fc.stringMatching(/^[a-z_]{1,8}$/);
  const value = fc.string().filter(text => !text.includes('\0'));
  fc.assert(
    fc.property(fc.dictionary(name, value), pairs => {
      const payload = Object.entries(pairs).map(([key, text]) => `{${key}}\0${text}\0`);
      const bytes = Buffer.concat([Buffer.of(mail), Buffer.from(payload.join(''))]);
      const store = new MacroStore();
      store.put(bytes, 0, bytes.length);
      store.arrived(mail);
      for (const [key, text] of Object.entries(pairs)) assert.equal(store.get(key), text);
      assert.equal(store.get('never_told'), undefined);
    }),
  );
});

test('xtext is undone where it is xtext and left alone elsewhere', () => {
  assert.equal(decodeXtext('user+40example.org+2B1'), 'user@example.org+1');
  assert.equal(decodeXtext('gr+C3+BC+C3+9Fe+E4'), 'grüße\udce4');
  assert.equal(decodeXtext('ä+2B\udce4'), 'ä+\udce4');
  assert.equal(decodeXtext('a+b +3d +G0 +'), 'a+b +3d +G0 +');
});
