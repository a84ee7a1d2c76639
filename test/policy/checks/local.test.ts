import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localCheck } from '../../../src/policy/checks/local.ts';
import type { Envelope, Session } from '../../../src/policy/envelope.ts';
import { atOnce, envelopeOf, reasonOf, sessionOf } from '../support.ts';

const none = { address: undefined };
type Row = readonly [
  what: string,
  session: Session,
  more: Partial<Envelope>,
  on: string | undefined,
  off: string | undefined,
];

/** What the check says with local networks accepted, and without. */
const rows: readonly Row[] = [
  ['a stranger', sessionOf(), {}, undefined, undefined],
  ['a stranger over IPv6', sessionOf({ ip: '2001:db8::7' }), {}, undefined, undefined],
  ['a client behind a provider’s NAT', sessionOf({ ip: '100.64.0.1' }), {}, undefined, undefined],
  ['loopback', sessionOf({ ip: '127.0.0.1' }), {}, 'local-client', undefined],
  ['IPv6 loopback', sessionOf({ ip: '::1' }), {}, 'local-client', undefined],
  ['a private address', sessionOf({ ip: '10.1.2.3' }), {}, 'local-client', undefined],
  ['a mapped private address', sessionOf({ ip: '::ffff:192.168.1.1' }), {}, 'local-client', undefined],
  ['a link-local address', sessionOf({ ip: 'fe80::1' }), {}, 'local-client', undefined],
  ['a unique-local address', sessionOf({ ip: 'fd00::1' }), {}, 'local-client', undefined],
  ['port 0', sessionOf({ ip: '127.0.0.1', transport: 'no-port' }), {}, 'non-smtp', 'non-smtp'],
  ['port 0 with a public address', sessionOf({ transport: 'no-port' }), {}, 'non-smtp', 'non-smtp'],
  ['a unix peer', sessionOf({ ...none, transport: 'unix' }), {}, 'no-address', 'no-address'],
  ['an unknown peer', sessionOf({ ...none, transport: 'unknown' }), {}, 'no-address', 'no-address'],
  ['an address nobody can read', sessionOf({ ...none, transport: 'tcp' }), {}, 'no-address', 'no-address'],
  ['an authenticated user', sessionOf(), { authenticated: 'ann' }, 'authenticated', 'authenticated'],
  ['a refused recipient', sessionOf(), { rejectedByMta: true }, 'rejected-by-mta', 'rejected-by-mta'],
  [
    'a refused recipient of our own',
    sessionOf({ ip: '::1' }),
    { rejectedByMta: true },
    'rejected-by-mta',
    'rejected-by-mta',
  ],
];

for (const [what, session, more, on, off] of rows) {
  test(`${what}: ${on ?? 'no word'}, with local networks off ${off ?? 'no word'}`, () => {
    const envelope = envelopeOf({ session, ...more });
    for (const [check, reason] of [
      [localCheck(), on],
      [localCheck({ localAccepts: false }), off],
    ] as const) {
      const word = atOnce(check.run(envelope));
      assert.equal(reasonOf(word), reason);
      assert.equal(word?.action, reason && 'accept');
    }
  });
}

test('only what the peer’s address says is settled at CONNECT', () => {
  const check = localCheck();
  assert.equal(check.settles?.(sessionOf()), undefined);
  assert.deepEqual(check.settles?.(sessionOf({ ip: '127.0.0.1' })), { action: 'accept', reason: 'local-client' });
  assert.deepEqual(check.settles?.(sessionOf({ ...none, transport: 'unix' })), {
    action: 'accept',
    reason: 'no-address',
  });
  assert.equal(localCheck({ localAccepts: false }).settles?.(sessionOf({ ip: '127.0.0.1' })), undefined);
});
