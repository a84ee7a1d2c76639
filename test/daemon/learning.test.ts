/**
 * Learning as a configuration makes it: policies as the daemon assembles them, over stores that outlive them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { fileSchema } from '../../src/config/schema/file.ts';
import { assemblePolicy } from '../../src/daemon/assemble.ts';
import { Greylisting } from '../../src/daemon/greylisting.ts';
import { readMaterials } from '../../src/daemon/materials.ts';
import type { Resolver } from '../../src/dns/resolver.ts';
import { createBlocklists } from '../../src/dnsbl/blocklists.ts';
import type { Result } from '../../src/dnsbl/result.ts';
import { Zone } from '../../src/dnsbl/zone.ts';
import type { NoteStore } from '../../src/learning/note-store.ts';
import { RateLimited } from '../../src/log/rate-limited.ts';
import type { Decision } from '../../src/policy/decision.ts';
import type { Envelope } from '../../src/policy/envelope.ts';
import { Faults } from '../../src/policy/faults.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { createMemoryNotes } from '../../src/stores/memory-notes.ts';
import { createMemoryStore } from '../../src/stores/memory-store.ts';
import { DAY, HOUR, benchOf as learningBench, MINUTE, SECOND, WatchedNotes } from '../learning/support.ts';
import { envelopeOf, sessionOf, tell } from '../policy/support.ts';
import { FakeResolver } from '../support/fake-resolver.ts';
import { recordingLogger } from '../support/recording-logger.ts';

const silent: Resolver = {
  resolve: async () => ({ status: 'failed', cause: 'timeout', detail: '' }),
  cached: () => undefined,
  close: async () => {},
};
const zone = Zone.parse('bl.example');

/** A daemon without sockets: its policy for a configuration file, and time. */
class Rig {
  readonly #bench = learningBench();
  readonly clock = this.#bench.clock;
  readonly timers = this.#bench.timers;
  readonly store = createMemoryStore();
  readonly notes: NoteStore;
  resolver: Resolver = silent;
  /** Addresses that the blocklist has. */
  readonly listed = new Set<string>();
  readonly #recorder = recordingLogger();
  readonly lines = this.#recorder.lines;
  #greylisting: Greylisting;

  constructor(notes: NoteStore = createMemoryNotes()) {
    this.notes = notes;
    this.#greylisting = this.restart();
  }

  /** A process that starts now, after one that was killed: only what is stored is left. */
  restart(): Greylisting {
    const { logger } = this.#recorder;
    const log = new RateLimited({ logger, timers: this.timers });
    const { store, notes, clock, timers } = this;
    this.#greylisting = new Greylisting({ store, notes, clock, timers, logger, log });
    return this.#greylisting;
  }

  async policy(file: unknown = {}): Promise<Policy> {
    const config: Config = fileSchema.parse(file);
    const { clock, timers } = this;
    const log = new RateLimited({ logger: this.#recorder.logger, timers });
    const faults = new Faults(log);
    const common = { resolver: this.resolver, clock, timers };
    const lists = createBlocklists(
      { zones: [{ zone: 'bl.example' }], policy: 'any' },
      { ...common, random: Math.random, log: this.#recorder.logger },
    );
    const panel = {
      decideNow: ({ text }: { text: string }) => this.#result(text),
      decide: lists.panel.decide,
      review: (_: unknown, same: Result) => same,
    };
    const blocklists = { ...lists, zones: [zone], panel: panel as unknown as typeof lists.panel };
    return assemblePolicy(await readMaterials(config), {
      ...this.#greylisting.use(config),
      ...common,
      blocklists,
      faults,
    });
  }

  #result(text: string): Result {
    const has = this.listed.has(text);
    const vote = has ? ({ vote: 'listed', codes: ['127.0.0.2'], score: 1 } as const) : ({ vote: 'clear' } as const);
    return { outcome: has ? 'listed' : 'clear', words: [{ zone, vote }], listing: has ? [zone] : [] };
  }

  /** A first attempt, the wait, and the one that passes. */
  async mature(policy: Policy, sender: string, fields: Partial<Envelope> = {}): Promise<void> {
    assert.match(await decide(policy, { sender, ...fields }), /^greylist (new|crowded)$/);
    await this.timers.advance(5 * MINUTE);
    assert.equal(await decide(policy, { sender, ...fields }), 'accept matured');
  }

  /** Makes the client's network white. */
  async prove(policy: Policy): Promise<void> {
    for (const name of ['a', 'b', 'c', 'd']) await this.mature(policy, `${name}@example.net`);
    await this.timers.advance(HOUR);
    await this.mature(policy, 'e@example.net');
  }
}

async function decide(policy: Policy, fields: Partial<Envelope> = {}): Promise<string> {
  return tell(
    (await policy.recipient(envelopeOf({ session: sessionOf({ id: crypto.randomUUID() }), ...fields }))).verdict,
  );
}

/** A whole message; tells what its recipients and then its end are answered. */
async function send(policy: Policy, recipients: readonly string[], fields: Partial<Envelope>): Promise<string[]> {
  const session = fields.session ?? sessionOf({ id: crypto.randomUUID() });
  const decisions: Decision[] = [];
  for (const recipient of recipients)
    decisions.push(await policy.recipient(envelopeOf({ ...fields, session, recipient })));
  const end = await policy.endOfMessage(session, decisions);
  return [...decisions.map(({ verdict }) => tell(verdict)), end.action];
}

test('a network that let five different triplets mature in two hours passes from then on, over reloads and a kill', async () => {
  const rig = new Rig();
  const policy = await rig.policy();
  await rig.prove(policy);
  assert.equal(await decide(policy, { sender: 'new@example.com' }), 'accept learned');
  assert.equal(await decide(policy, { session: sessionOf({ ip: '203.0.113.250' }) }), 'accept learned');
  assert.equal(await decide(policy, { session: sessionOf({ ip: '198.51.100.7' }) }), 'greylist new');
  const reloaded = await rig.policy({ greylist: { delay: '10m' } });
  assert.equal(await decide(reloaded, { sender: 'newer@example.com' }), 'accept learned');
  await rig.timers.advance(SECOND);
  rig.restart();
  assert.equal(await decide(await rig.policy(), { sender: 'newest@example.com' }), 'accept learned');
});

test('what was learned a moment ago is not forgotten by a reload that changes the rules of learning', async () => {
  const rig = new Rig();
  await rig.prove(await rig.policy({ learning: { correspondents: 'true' } }));
  const reloaded = await rig.policy({ learning: { correspondents: 'true', pendingLimit: '400' } });
  await rig.timers.advance(10);
  assert.equal(await decide(reloaded, { sender: 'new@example.com' }), 'accept learned');
});

test('a network white under the old prefix is so under a new one', async () => {
  const rig = new Rig();
  await rig.prove(await rig.policy());
  const other = await rig.policy({ greylist: { prefix: { ipv4: '16' } } });
  assert.equal(await decide(other, { sender: 'new@example.com' }), 'accept learned');
  assert.equal(await decide(other, { session: sessionOf({ ip: '203.0.99.7' }) }), 'greylist new');
});

for (const action of ['reject', 'tag'] as const) {
  test(`a client on a blocklist loses what its network had learned for it at once, also if it is to ${action}`, async () => {
    const rig = new Rig();
    const policy = await rig.policy({ dnsbl: { action } });
    await rig.prove(policy);
    rig.listed.add('203.0.113.99');
    const expected = action === 'reject' ? 'reject dnsbl' : 'greylist new';
    const listed = sessionOf({ id: 'listed', ip: '203.0.113.99' });
    policy.connect(listed);
    assert.equal(await decide(policy, { session: listed, sender: 'new@example.com' }), expected);
    assert.equal(await decide(policy, { sender: 'newer@example.com' }), 'greylist new');
  });
}

for (const action of ['reject', 'tag'] as const) {
  test(`an SPF domain loses what it has learned when a listed client comes with it, also if that is to ${action}`, async () => {
    const rig = new Rig();
    rig.resolver = new FakeResolver(
      'example.net TXT v=spf1 ip4:203.0.113.0/24 ip4:198.51.100.0/24 -all\nexample.com TXT v=spf1 ip4:192.0.2.0/24 -all',
      rig,
    );
    const policy = await rig.policy({ spf: 'key', dnsbl: { action } });
    await rig.prove(policy);
    const elsewhere = { session: sessionOf({ ip: '198.51.100.7' }), sender: 'new@example.net' };
    assert.equal(await decide(policy, elsewhere), 'accept learned');
    rig.listed.add('192.0.2.99').add('203.0.113.99');
    const come = async (ip: string, sender: string) => {
      const session = sessionOf({ id: ip, ip });
      policy.connect(session);
      await decide(policy, { session, sender });
      await rig.timers.advance(10);
    };
    await come('192.0.2.99', 'x@example.net'); // forged: SPF says fail
    await come('192.0.2.99', 'x@example.com');
    assert.equal(await decide(policy, elsewhere), 'accept learned');
    await come('203.0.113.99', 'x@example.net');
    assert.equal(await decide(policy, elsewhere), 'greylist new');
  });
}

test('the null sender counts at the end of messages only: callouts prove nothing', async () => {
  const rig = new Rig();
  const policy = await rig.policy({ learning: { autowhite: { triplets: '2', hours: '1' } } });
  for (let round = 0; round < 10; round++) {
    for (const recipient of ['b@example.org', 'c@example.org', 'd@example.org'])
      assert.equal(await decide(policy, { sender: '', recipient }), 'accept end-of-message');
    await rig.timers.advance(5 * MINUTE);
  }
  assert.equal(await decide(policy, { sender: 'new@example.com' }), 'greylist new');
  for (const recipient of ['b@example.org', 'c@example.org']) {
    assert.deepEqual(await send(policy, [recipient], { sender: '' }), ['accept end-of-message', 'greylist']);
    await rig.timers.advance(5 * MINUTE);
    assert.deepEqual(await send(policy, [recipient], { sender: '' }), ['accept end-of-message', 'accept']);
  }
  assert.equal(await decide(policy, { sender: 'newer@example.com' }), 'accept learned');
});

test('turned off, nothing is learned for white, and nothing is looked up for it', async () => {
  const rig = new Rig();
  const policy = await rig.policy({ learning: { autowhite: 'false' } });
  await rig.prove(policy);
  assert.equal(await decide(policy, { sender: 'new@example.com' }), 'greylist new');
});

test('a flood from one network fills no disk, and who waits in it passes all the same', async () => {
  const rig = new Rig();
  const policy = await rig.policy({ learning: { pendingLimit: '20' } });
  for (let count = 0; count < 20; count++)
    assert.equal(await decide(policy, { sender: `s${count}@x.example` }), 'greylist new');
  for (const sender of ['a@y.example', 'b@y.example'])
    assert.equal(await decide(policy, { sender }), 'greylist crowded');
  assert.equal(await decide(policy, { session: sessionOf({ ip: '198.51.100.7' }) }), 'greylist new', 'another network');
  await rig.timers.advance(5 * MINUTE);
  assert.equal(await decide(policy, { sender: 'a@y.example' }), 'accept matured');
  assert.equal(await decide(policy, { sender: 'c@y.example' }), 'greylist new', 'one that matured is proof enough');
});

test('over a restart the flood is remembered, and its network has room again when the retry window is over', async () => {
  const rig = new Rig();
  const file = { learning: { pendingLimit: '20' } };
  const before = await rig.policy(file);
  for (let count = 0; count < 30; count++) await decide(before, { sender: `s${count}@x.example` });
  await rig.timers.advance(SECOND);
  rig.restart();
  const after = await rig.policy(file);
  assert.equal(await decide(after, { sender: 'a@y.example' }), 'greylist crowded');
  await rig.timers.advance(4 * DAY);
  assert.equal(await decide(after, { sender: 'b@y.example' }), 'greylist new');
});

test('whom our users wrote to need not wait; who only wrote to them does', async () => {
  const rig = new Rig();
  const policy = await rig.policy({ learning: { correspondents: 'true' } });
  // From the office's own network: it must be heard of for this.
  const office = sessionOf({ id: 'office', ip: '10.1.2.3' });
  assert.equal(policy.settledAtConnect(office), undefined);
  const ours = { session: office, sender: 'us@example.org', authenticated: 'us' };
  assert.deepEqual(await send(policy, ['them@example.net'], ours), ['accept authenticated', 'accept']);
  const answer = { sender: 'them@example.net', recipient: 'us@example.org' };
  assert.equal(await decide(policy, answer), 'accept correspondent');
  assert.equal(await decide(policy, { ...answer, recipient: 'other@example.org' }), 'greylist new');
  await rig.timers.advance(31 * DAY);
  assert.equal(await decide(policy, answer), 'greylist new');
  assert.equal((await rig.policy()).settledAtConnect(office)?.reason, 'local-client', 'off by default');
});

test('the impatient wait longer, pass after that, and others wait no longer for it', async () => {
  const rig = new Rig();
  const policy = await rig.policy({ learning: { impatient: { retries: '3', delay: '10m' } } });
  const wait = async (fields: Partial<Envelope> = {}): Promise<number> => {
    const { verdict } = await policy.recipient(envelopeOf({ session: sessionOf(), ...fields }));
    return verdict.action === 'greylist' ? verdict.wait : 0;
  };
  const waits: number[] = [];
  for (let round = 0; round < 5; round++) {
    waits.push(await wait());
    await rig.timers.advance(5 * SECOND);
  }
  assert.deepEqual(waits, [300, 295, 290, 885, 880]);
  assert.equal(await wait({ recipient: 'other@example.org' }), 300);
  await rig.timers.advance(875 * SECOND);
  assert.equal(await wait(), 0);
});

test('who goes on after a 5xx waits longer once it is not refused any more, and is never refused for it', async () => {
  const rig = new Rig();
  const policy = await rig.policy({ learning: { impatient: 'true' } });
  rig.listed.add('203.0.113.7');
  assert.equal(await decide(policy), 'reject dnsbl');
  rig.listed.clear();
  await rig.timers.advance(MINUTE);
  const { verdict, fields } = await policy.recipient(envelopeOf({ session: sessionOf({ id: 'again' }) }));
  assert.equal(verdict.action === 'greylist' && verdict.wait, 35 * 60);
  assert.equal(fields.patience, 'impatient');
});

test('with tooSoon a retry sooner than that starts the wait again, each time; without it, which is the default, none does', async () => {
  for (const [tooSoon, expected] of [
    ['1m', ['greylist new', 'greylist too-soon', 'greylist too-soon', 'greylist early']],
    ['0', ['greylist new', 'greylist early', 'greylist early', 'greylist early']],
  ] as const) {
    const rig = new Rig();
    const policy = await rig.policy({ greylist: { tooSoon } });
    const told: string[] = [];
    for (const pause of [0, 30, 59, 60]) {
      await rig.timers.advance(pause * SECOND);
      told.push(await decide(policy));
    }
    assert.deepEqual(told, expected);
    await rig.timers.advance(4 * MINUTE);
    assert.equal(await decide(policy), 'accept matured');
  }
});

test('relay switchers wait longer with each HELO and recipient they switch for', async () => {
  const rig = new Rig();
  const policy = await rig.policy({ learning: { relaySwitchers: { delay: '1h' } } });
  const waits: number[] = [];
  for (const ip of ['203.0.113.7', '198.51.100.7', '192.0.2.7', '203.0.113.7']) {
    const { verdict } = await policy.recipient(envelopeOf({ session: sessionOf({ ip }) }));
    waits.push(verdict.action === 'greylist' ? verdict.wait : 0);
    await rig.timers.advance(5 * SECOND);
  }
  assert.deepEqual(waits, [300, 300, 3_900, 3_885]);
});

test('where only the suspicious are greylisted, a class may have a delay of its own', async () => {
  const rig = new Rig();
  const greylist = { when: 'suspicious', suspicious: { dnsbl: { delay: '1h' }, noName: 'true' } };
  const policy = await rig.policy({ greylist, dnsbl: { action: 'tag' } });
  const waits = async (session = sessionOf()): Promise<number | string> => {
    const { verdict } = await policy.recipient(envelopeOf({ session }));
    return verdict.action === 'greylist' ? verdict.wait : verdict.reason;
  };
  rig.listed.add('203.0.113.9');
  // The resolver is silent: that a name can't be confirmed is no reason to be suspicious.
  assert.equal(await waits(sessionOf({ name: 'mx.example.net' })), 'unsuspicious');
  assert.equal(await waits(), 300);
  assert.equal(await waits(sessionOf({ ip: '203.0.113.9', name: 'mx.example.net' })), 3_600);
});

test('notes that can not be read or written cost what they knew, and no mail', async () => {
  const notes = new WatchedNotes();
  const rig = new Rig(notes);
  const policy = await rig.policy({ learning: { correspondents: 'true' } });
  notes.failing = new Error('disk');
  assert.equal(await decide(policy), 'greylist new');
  await rig.timers.advance(5 * MINUTE);
  assert.equal(await decide(policy), 'accept matured');
  assert.equal(await decide(policy), 'accept known');
  const failed = (await policy.recipient(envelopeOf())).failed;
  assert.deepEqual(failed, ['autowhite', 'correspondents']);
  assert.ok(
    rig.lines.some(line => line.includes('disk')),
    rig.lines.join('\n'),
  );
});
