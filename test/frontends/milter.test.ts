/**
 * The milter frontend between the bytes of an MTA and a policy that the test makes up: what it asks, when, and what it answers.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type MilterFrontendParts, type MilterWishes, milterFilter } from '../../src/frontends/milter.ts';
import { ProtocolBit } from '../../src/milter/constants.ts';
import { noAdvice } from '../../src/policy/advice.ts';
import type { Decision, MessageVerdict } from '../../src/policy/decision.ts';
import type { Envelope, MessageStart, Session } from '../../src/policy/envelope.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { Accept, Verdict } from '../../src/policy/verdict.ts';
import { A, begin, C, E, H, M, macros, offer, packet, R, type Rig } from '../milter/support.ts';

const accepted: Accept = { action: 'accept', reason: 'known' };
const wait: Verdict = {
  action: 'greylist',
  reason: 'new',
  wait: 300,
  reply: { code: 451, enhanced: '4.7.1', text: 'Come back later (300 secs), 100 % sure' },
};
const refusal: Verdict = {
  action: 'reject',
  reason: 'blacklist',
  reply: { code: 550, enhanced: '5.7.1', text: 'Go away' },
};

function decisionOf(envelope: Envelope, verdict: Verdict): Decision {
  return { envelope, verdict, check: 'x', elapsed: 0, failed: [], withheld: undefined, advised: noAdvice, fields: {} };
}

interface PolicyOptions {
  readonly settled?: Accept;
  readonly startsAtMail?: boolean;
  readonly verdict?: (envelope: Envelope) => Verdict | Promise<Verdict>;
  readonly end?: (decisions: readonly Decision[]) => MessageVerdict | Promise<MessageVerdict>;
}

/** Does what it is told, and remembers what it was asked. */
class FakePolicy implements Policy {
  readonly connected: Session[] = [];
  readonly envelopes: Envelope[] = [];
  readonly mails: MessageStart[] = [];
  readonly ends: (readonly Decision[])[] = [];
  readonly #options: PolicyOptions;

  constructor(options: PolicyOptions = {}) {
    this.#options = options;
  }

  connect(session: Session): void {
    this.connected.push(session);
  }

  settledAtConnect(): Accept | undefined {
    return this.#options.settled;
  }

  get startsAtMail(): boolean {
    return this.#options.startsAtMail ?? false;
  }

  mail(message: MessageStart): void {
    this.mails.push(message);
  }

  recipient(envelope: Envelope): Decision | Promise<Decision> {
    this.envelopes.push(envelope);
    const verdict = this.#options.verdict?.(envelope) ?? accepted;
    return verdict instanceof Promise
      ? verdict.then(late => decisionOf(envelope, late))
      : decisionOf(envelope, verdict);
  }

  endOfMessage(_: Session, decisions: readonly Decision[]): MessageVerdict | Promise<MessageVerdict> {
    this.ends.push(decisions);
    return this.#options.end?.(decisions) ?? { action: 'accept', headers: [], decisions: [] };
  }
}

interface Bench {
  readonly rig: Rig;
  /** Recipients and reasons that were logged. */
  readonly recorded: string[];
  readonly settled: string[];
  readonly faults: string[];
}

/** A session with the frontend, up to and with the negotiation. */
function bench(
  policy: Policy | (() => Policy),
  parts: Partial<MilterFrontendParts> = {},
  offered = offer(),
  wishes: MilterWishes = {},
): Bench {
  const recorded: string[] = [];
  const settled: string[] = [];
  const faults: string[] = [];
  const frontend: MilterFrontendParts = {
    policy: typeof policy === 'function' ? policy : () => policy,
    record: ({ envelope, verdict }) => recorded.push(`${envelope.recipient} ${verdict.reason}`),
    settled: (session, verdict) => settled.push(`${session.address?.text} ${verdict.reason}`),
    onFault: (error, stage) => faults.push(`${stage}: ${(error as Error).message}`),
    onProtocolError: message => faults.push(message),
    onFailure: () => 'accept',
    ready: () => undefined,
    ...parts,
  };
  const rig = begin(milterFilter(frontend, wishes));
  rig.say(offered);
  return { rig, recorded, settled, faults };
}

/** An SMTP client's whole way to its first recipient, in one chunk: as much as comes without an answer in between. */
const toRecipient = [H(), M(), R()];

describe('at CONNECT', () => {
  test('the answer comes at once, and the policy can begin its look-ups', () => {
    const policy = new FakePolicy();
    const { rig } = bench(policy);
    assert.deepEqual(rig.say(C('203.0.113.7')), ['c']);
    assert.deepEqual(
      policy.connected.map(({ address }) => address?.text),
      ['203.0.113.7'],
    );
    assert.deepEqual(policy.envelopes, []);
  });

  test('nothing is answered, and nothing decided, before all is there', async () => {
    const ready = Promise.withResolvers<void>();
    let policy: FakePolicy | undefined;
    const wanted = (): Policy => policy ?? assert.fail('there is no policy yet');
    const { rig, faults } = bench(wanted, { ready: () => (policy ? undefined : ready.promise) });
    assert.deepEqual(await rig.sayAndWait(C(), ...toRecipient), []);
    policy = new FakePolicy();
    ready.resolve();
    assert.deepEqual(await rig.sayAndWait(), ['c', 'c']);
    assert.deepEqual([policy.connected.length, policy.envelopes.length, faults], [1, 1, []]);
  });

  test('a client that is settled by its address is accepted whole, logged once, and not looked up', () => {
    const policy = new FakePolicy({ settled: { action: 'accept', reason: 'whitelist' } });
    const { rig, settled } = bench(policy);
    assert.deepEqual(rig.say(C('203.0.113.7')), ['a']);
    assert.deepEqual(settled, ['203.0.113.7 whitelist']);
    assert.deepEqual(policy.connected, []);
  });

  const unix = packet('C', 'localhost\x00L\0\0/run/x\0');
  const unknown = packet('C', 'localhost\x00U');
  const portless = packet('C', 'localhost\x004\0\x00127.0.0.1\0');
  const ipv6 = (address: string): Buffer => packet('C', `mail.example.net\x006\x9c\xbb${address}\0`);
  for (const [what, connect, address, transport] of [
    ['an IPv4 address', C('203.0.113.7'), '203.0.113.7', 'tcp'],
    ["Sendmail's spelling of an IPv6 address", ipv6('IPv6:2001:db8:0:0:0:0:0:7'), '2001:db8::7', 'tcp'],
    ["Postfix's spelling of one", ipv6('2001:db8::7'), '2001:db8::7', 'tcp'],
    ['an IPv4 address in an IPv6 one', ipv6('::ffff:203.0.113.7'), '203.0.113.7', 'tcp'],
    ['nonsense', C('203.0.113'), undefined, 'unknown'],
    ['mail that did not come over SMTP', portless, '127.0.0.1', 'no-port'],
    ['a unix socket', unix, undefined, 'unix'],
    ['a program without an address', unknown, undefined, 'unknown'],
  ] as const) {
    test(`${what} is understood`, () => {
      const policy = new FakePolicy();
      const { rig } = bench(policy);
      rig.say(macros('C', '{daemon_name}', 'smtpd', 'j', 'mx.example.org'), connect);
      const [session] = policy.connected;
      assert.deepEqual([session?.address?.text, session?.transport], [address, transport]);
      assert.equal(session?.daemonName, 'smtpd');
    });
  }
});

describe('at MAIL', () => {
  const answering = (policy: FakePolicy) => bench(policy, {}, offer(), { answerMail: true });

  test('the answer comes at once, and the policy can begin its look-ups for the sender', () => {
    const policy = new FakePolicy({ startsAtMail: true });
    const { rig } = answering(policy);
    rig.say(C('203.0.113.7'), H('mx.example.net'), macros('M', '{auth_authen}', 'alice', 'i', 'QID'));
    assert.deepEqual(rig.say(M('<a@example.net>')), ['c']);
    const [message] = policy.mails;
    assert.equal(message?.session, policy.connected[0]);
    const { helo, sender, authenticated, macros: told } = message ?? assert.fail('nothing was begun');
    assert.deepEqual([helo, sender, authenticated, told.get('i')], ['mx.example.net', 'a@example.net', 'alice', 'QID']);
    assert.deepEqual(policy.envelopes, []);
  });

  test('a connection that was negotiated without answers there begins look-ups too, later', () => {
    const policy = new FakePolicy({ startsAtMail: true });
    const { rig } = bench(policy);
    assert.deepEqual(rig.say(C(), ...toRecipient), ['c', 'c']);
    assert.equal(policy.mails.length, 1);
  });

  test('a policy that begins nothing there is not asked', () => {
    const policy = new FakePolicy();
    const { rig } = answering(policy);
    assert.deepEqual(rig.say(C(), ...toRecipient), ['c', 'c', 'c']);
    assert.deepEqual(policy.mails, []);
  });

  test('each message begins anew', async () => {
    const policy = new FakePolicy({ startsAtMail: true });
    const { rig } = answering(policy);
    await rig.sayAndWait(C(), H(), M('<a@x>'), R(), E, M('<b@x>'), A, M('<>'));
    assert.deepEqual(
      policy.mails.map(({ sender }) => sender),
      ['a@x', 'b@x', ''],
    );
  });
});

describe('at RCPT', () => {
  test('HELO and MAIL are not answered where the MTA bears it, and are where it does not', () => {
    assert.deepEqual(bench(new FakePolicy()).rig.say(C(), ...toRecipient), ['c', 'c']);
    const noReplies = 0x1fffff & ~0xff000 & ~0x80;
    assert.deepEqual(bench(new FakePolicy(), {}, offer(6, 0x1ff, noReplies)).rig.say(C(), ...toRecipient), [
      'c',
      'c',
      'c',
      'c',
    ]);
  });

  test('each verdict has its reply, to the letter, and its line in the log', () => {
    const verdicts: Readonly<Record<string, Verdict>> = { good: accepted, new: wait, bad: refusal };
    const policy = new FakePolicy({ verdict: ({ recipient }) => verdicts[recipient] ?? assert.fail(recipient) });
    const { rig, recorded } = bench(policy);
    rig.say(C());
    assert.deepEqual(rig.say(H(), M(), R('<good>'), R('<new>'), R('<bad>')), [
      'c',
      'y451 4.7.1 Come back later (300 secs), 100 %% sure\0', // MTAs print it with printf
      'y550 5.7.1 Go away\0',
    ]);
    assert.deepEqual(recorded, ['good known', 'new new', 'bad blacklist']);
  });

  test('the policy is told what the session has said', async () => {
    const policy = new FakePolicy();
    const { rig } = bench(policy);
    rig.say(
      C('203.0.113.7'),
      H('mx.example.net'),
      M('<a@example.net>', 'SIZE=1'),
      R('<b@example.org>', 'NOTIFY=NEVER'),
    );
    const [envelope] = policy.envelopes;
    assert.equal(envelope?.session, policy.connected[0]);
    assert.deepEqual(
      [envelope?.helo, envelope?.sender, envelope?.recipient, envelope?.authenticated, envelope?.rejectedByMta],
      ['mx.example.net', 'a@example.net', 'b@example.org', undefined, false],
    );
    await rig.sayAndWait(E, M('<>'), R());
    assert.equal(policy.envelopes[1]?.sender, '');
  });

  for (const [version, told, user] of [
    ['Postfix 3.7.11', 'alice+3D', 'alice+3D'],
    ['8.17.1.9', 'alice+3Dx', 'alice=x'],
    ['Postfix 3.7.11', '', undefined],
  ] as const) {
    test(`who has logged in is told as ${user}, if ${version} says "${told}"`, () => {
      const policy = new FakePolicy();
      const { rig } = bench(policy);
      rig.say(macros('C', 'v', version), C(), H(), macros('M', '{auth_authen}', told), M(), R());
      assert.equal(policy.envelopes[0]?.authenticated, user);
    });
  }

  test('a login holds for its own message only', async () => {
    const policy = new FakePolicy();
    const { rig } = bench(policy);
    await rig.sayAndWait(C(), H(), macros('M', '{auth_authen}', 'alice'), M(), R(), E);
    rig.say(macros('M', 'i', 'QID'), M(), R());
    assert.deepEqual(
      policy.envelopes.map(({ authenticated }) => authenticated),
      ['alice', undefined],
    );
  });

  test('a message keeps the policy of its MAIL, the next one has the new', () => {
    const [before, after] = [new FakePolicy({ verdict: () => wait }), new FakePolicy({ verdict: () => refusal })];
    let policy = before;
    const { rig } = bench(() => policy);
    assert.deepEqual(rig.say(C(), H(), M()), ['c']);
    policy = after;
    assert.match(rig.say(R()).join(), /^y451/);
    assert.match(rig.say(R()).join(), /^y451/);
    assert.match(rig.say(A, M(), R()).join(), /^y550/);
    assert.deepEqual([before.envelopes.length, after.envelopes.length], [2, 1]);
  });

  test('answers that take a while leave in the order of their questions', async () => {
    const late = Promise.withResolvers<Verdict>();
    const policy = new FakePolicy({ verdict: ({ recipient }) => (recipient === 'late' ? late.promise : refusal) });
    const { rig, recorded } = bench(policy);
    rig.say(C());
    assert.deepEqual(await rig.sayAndWait(H(), M(), R('<late>'), R('<soon>')), []);
    late.resolve(wait);
    const answers = await rig.sayAndWait();
    assert.deepEqual(
      answers.map(answer => answer.slice(0, 4)),
      ['y451', 'y550'],
    );
    assert.deepEqual(recorded, ['late new', 'soon blacklist']);
  });

  for (const [onFailure, answer] of [
    ['accept', 'c'],
    ['tempfail', 't'],
  ] as const) {
    test(`a policy that throws costs no connection: ${onFailure}`, async () => {
      const policy = new FakePolicy({
        verdict() {
          throw new Error('bang');
        },
      });
      const { rig, faults, recorded } = bench(policy, { onFailure: () => onFailure });
      rig.say(C());
      assert.deepEqual(await rig.sayAndWait(...toRecipient), [answer]);
      assert.deepEqual([faults, recorded], [['rcpt: bang'], []]);
      assert.equal(rig.wire.closed, 0);
    });
  }
});

describe('at the end of a message', () => {
  test('headers go to the top, in their order, before the verdict; all decisions were there to see', async () => {
    const headers = [
      { name: 'X-Greylist', value: 'delayed 300 seconds' },
      { name: 'X-RBL-Warning', value: '203.0.113.7 found in bl.test' },
    ];
    const policy = new FakePolicy({
      verdict: ({ recipient }) => (recipient === 'bad' ? refusal : accepted),
      end: () => ({ action: 'accept', headers, decisions: [] }),
    });
    const { rig } = bench(policy);
    rig.say(C(), H(), M(), R('<one>'), R('<bad>'));
    assert.deepEqual(await rig.sayAndWait(E), [
      'i\0\0\0\0X-RBL-Warning\x00203.0.113.7 found in bl.test\0',
      'i\0\0\0\0X-Greylist\0delayed 300 seconds\0',
      'c',
    ]);
    assert.deepEqual(
      policy.ends.map(decisions => decisions.map(({ envelope }) => envelope.recipient)),
      [['one', 'bad']],
    );
  });

  test('a message can still be greylisted, and its decisions are logged then', async () => {
    const end = (decisions: readonly Decision[]): MessageVerdict => ({
      ...wait,
      decisions: decisions.map(({ envelope }) => decisionOf(envelope, wait)),
    });
    const { rig, recorded } = bench(new FakePolicy({ end }));
    rig.say(C(), H(), M('<>'), R());
    assert.match((await rig.sayAndWait(E)).join(), /^y451 4\.7\.1 Come back/);
    assert.deepEqual(recorded, ['b@example.org known', 'b@example.org new']);
  });

  test('the next message begins without the decisions of the last, delivered or not', async () => {
    const policy = new FakePolicy();
    const { rig } = bench(policy);
    rig.say(C(), H(), M(), R('<one>'));
    await rig.sayAndWait(E, M(), R('<two>'));
    await rig.sayAndWait(A, M(), R('<three>'));
    await rig.sayAndWait(E);
    const recipients = policy.ends.map(decisions => decisions.map(({ envelope }) => envelope.recipient));
    assert.deepEqual(recipients, [['one'], ['three']]);
  });

  test('a policy that fails there lets the message pass, or not, as configured', async () => {
    for (const [onFailure, answer] of [
      ['accept', 'c'],
      ['tempfail', 't'],
    ] as const) {
      const policy = new FakePolicy({ end: () => Promise.reject(new Error('bang')) });
      const { rig, faults } = bench(policy, { onFailure: () => onFailure });
      rig.say(C(), H(), M(), R());
      assert.deepEqual(await rig.sayAndWait(E), [answer]);
      assert.deepEqual(faults, ['eom: bang']);
    }
  });
});

test('macros that were not asked for when the connection was negotiated are told from those that are not set', async () => {
  const policy = new FakePolicy();
  const { rig } = bench(policy, {}, offer(), { macros: ['tls_version'] });
  await rig.sayAndWait(C(), H(), macros('M', 'x', '1'), M(), R());
  const told = policy.envelopes[0]?.macros ?? assert.fail('nobody was asked about');
  assert.equal(told.get('x'), '1');
  assert.deepEqual(
    ['tls_version', 'daemon_name', 'i', 'client_resolve'].map(name => told.isAsked?.(name)),
    [true, true, true, false],
  );
});

test('of the message nothing is asked for, and of the macros those that are read', () => {
  const filter = milterFilter({} as MilterFrontendParts);
  const [answer = ''] = begin(filter).say(offer());
  const bytes = Buffer.from(answer, 'latin1');
  const [actions, protocol] = [bytes.readUInt32BE(5), bytes.readUInt32BE(9)];
  assert.equal(actions & 0x1ff & ~0x100, 0x1, 'headers may be added, and nothing else be changed');
  const { noConnect, noHelo, noMail, noRcpt, noData, noHeaders, noEndOfHeader, noBody, noUnknown } = ProtocolBit;
  assert.equal(protocol & (noConnect | noHelo | noMail | noRcpt), 0);
  const unwanted = noData | noHeaders | noEndOfHeader | noBody | noUnknown;
  assert.equal(protocol & unwanted, unwanted);
  assert.equal(protocol & ProtocolBit.noReplyConnect, 0, 'or MTAs would hold it back until RCPT');
  for (const [stage, macro] of [
    ['connect', '{daemon_name}'],
    ['connect', 'v'],
    ['mail', '{auth_authen}'],
    ['rcpt', '{rcpt_mailer}'],
  ] as const)
    assert.ok(filter.macros?.[stage]?.includes(macro), macro);
});
