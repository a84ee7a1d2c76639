import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postfixMilter, sendmailFilter, startMessage } from '../../src/cli/start-message.ts';
import { parseListenAddress } from '../../src/milter/listen-address.ts';

test('the lines of both MTAs, for every kind of address', () => {
  const table: readonly (readonly [string, string, string])[] = [
    ['inet:8892@127.0.0.1', 'inet:127.0.0.1:8892', 'inet:8892@127.0.0.1'],
    ['inet:mx.example.org:8892', 'inet:mx.example.org:8892', 'inet:8892@mx.example.org'],
    ['inet:8892@0.0.0.0', 'inet:127.0.0.1:8892', 'inet:8892@127.0.0.1'],
    ['inet6:8892@::1', 'inet:[::1]:8892', 'inet6:8892@::1'],
    ['inet6:8892@::', 'inet:[::1]:8892', 'inet6:8892@::1'],
    ['unix:/run/g.sock', 'unix:/run/g.sock', 'local:/run/g.sock'],
    [
      'unix:/var/spool/postfix/milter-greylist/milter.sock',
      'unix:milter-greylist/milter.sock',
      'local:/var/spool/postfix/milter-greylist/milter.sock',
    ],
  ];
  for (const [listening, postfix, sendmail] of table) {
    const address = parseListenAddress(listening);
    assert.equal(postfixMilter(address), `{ ${postfix}, default_action=accept, command_timeout=15s }`);
    assert.equal(
      sendmailFilter(address),
      `INPUT_MAIL_FILTER(\`greylist', \`S=${sendmail}, T=C:10s;S:30s;R:30s;E:5m')dnl`,
    );
  }
});

const common = { database: '/var/lib/milter-greylist/greylist.db', acceptLocal: true };

test('the message names sockets, database, the rule for private clients, and the lines', () => {
  const text = startMessage({ ...common, listening: ['inet:8892@127.0.0.1', 'unix:/run/g.sock'] });
  for (const part of [
    /^ {2}listens at {2}inet:8892@127\.0\.0\.1$/m,
    /^ {2}listens at {2}unix:\/run\/g\.sock$/m,
    /^ {2}database {4}\/var\/lib\/milter-greylist\/greylist\.db$/m,
    /private addresses are accepted unasked/,
    /--no-accept-local/,
    /^ {2}smtpd_milters = \{ inet:127\.0\.0\.1:8892, default_action=accept, command_timeout=15s \}$/m,
    /^ {2}INPUT_MAIL_FILTER\(`greylist', `S=local:\/run\/g\.sock, T=/m,
    /^ {2}milter-greylist probe -s inet:8892@127\.0\.0\.1 --ip/m,
  ])
    assert.match(text, part);
});

test('of the lines for several sockets each mail server takes one', () => {
  const several = startMessage({ ...common, listening: ['inet:8892@127.0.0.1', 'unix:/run/g.sock'] });
  assert.match(several, /^Postfix: in main\.cf, one of these lines \(if /m);
  assert.match(several, /^Sendmail: in sendmail\.mc, one of these lines, then /m);
  assert.doesNotMatch(startMessage({ ...common, listening: ['inet:8892@127.0.0.1'] }), /one of/);
});

test('who turned the rule for private clients off is told so', () => {
  const text = startMessage({ ...common, acceptLocal: false, listening: ['inet:8892@127.0.0.1'] });
  assert.match(text, /treated like all others/);
  assert.doesNotMatch(text, /unasked/);
});

test('a unix socket comes with a remark on chroot, a TCP socket without', () => {
  assert.match(
    startMessage({ ...common, listening: ['unix:/run/g.sock'] }),
    /runs chrooted.*\n.*-s \/var\/spool\/postfix\//,
  );
  assert.match(startMessage({ ...common, listening: ['unix:/var/spool/postfix/g.sock'] }), /with chroot and without/);
  assert.doesNotMatch(startMessage({ ...common, listening: ['inet:1@127.0.0.1'] }), /chroot/);
});

test('for an inherited socket the address is left to be filled in', () => {
  const text = startMessage({ ...common, listening: ['fd:3'] });
  assert.match(text, /put the address that it was bound to/);
  assert.match(text, /\{ ADDRESS, default_action=accept/);
  assert.doesNotMatch(text, /probe/);
});

test('the probe is told the path of a unix socket', () => {
  const text = startMessage({ ...common, listening: ['unix:/run/g.sock'] });
  assert.match(text, /^ {2}milter-greylist probe -s \/run\/g\.sock --ip/m);
});

test('where it runs by npm, the probe does too', () => {
  const text = startMessage({ ...common, listening: ['inet:8892@127.0.0.1'], command: 'npm start --' });
  assert.match(text, /^ {2}npm start -- probe -s inet:8892@127\.0\.0\.1 --ip/m);
});
