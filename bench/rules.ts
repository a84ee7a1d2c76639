/**
 * What lists and rules cost a decision, as a ratio to a policy without any: `node bench/rules.ts`. Decisions on recipients of
 * strangers, whom no list and no rule knows, so that all of them are looked through and the greylist has the last word, with
 * the daemon's own store, 16 at a time. Rounds of all policies take turns; printed are microseconds of processor time of the median round, and the median of the rounds' ratios.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemTimers } from '../src/clock.ts';
import { createGreylist, type Greylist } from '../src/greylist/greylist.ts';
import { ListFiles } from '../src/lists/list-files.ts';
import { parseHeloPattern, parseMailPattern, parseNamePattern } from '../src/lists/pattern.ts';
import type { Logger } from '../src/log/logger.ts';
import { parseAddress } from '../src/net/address.ts';
import { parseNetwork } from '../src/net/network.ts';
import { AccessList, type ListEntries, noEntries } from '../src/policy/access-list.ts';
import type { Check } from '../src/policy/check.ts';
import { refusalCheck } from '../src/policy/checks/blacklist.ts';
import { rulesCheck } from '../src/policy/checks/rules.ts';
import { standardChecks } from '../src/policy/checks/standard.ts';
import { welcomeCheck } from '../src/policy/checks/whitelist.ts';
import type { ClientNames } from '../src/policy/client-name.ts';
import { type Envelope, noMacros } from '../src/policy/envelope.ts';
import { Faults } from '../src/policy/faults.ts';
import { createPolicy, type Policy } from '../src/policy/policy.ts';
import { compileReplies } from '../src/policy/replies.ts';
import { compileRules } from '../src/policy/rules/compile.ts';
import type { Conditions, Rule } from '../src/policy/rules/rule.ts';
import { openSqliteStore } from '../src/stores/sqlite-store.ts';

const rounds = 15;
const decisions = 16_000;
const atOnce = 16;
const limit = 1.5;
const day = 86_400_000;

const silent = (): void => {};
const logger: Logger = { error: silent, warn: silent, info: silent, debug: silent };
const files = await ListFiles.load([]);
const replies = compileReplies();
const names: ClientNames = { standing: () => 'unconfirmed', isNameless: async () => true };

function values<T>(read: (text: string) => T, texts: readonly string[]): { values: readonly T[]; files: [] } {
  return { values: texts.map(read), files: [] };
}

/** Nobody's: strangers come from other networks and domains. */
const addressAt = (index: number): string => `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
const listOf = (count: number): ListEntries => {
  const indices = Array.from({ length: count / 4 }, (_, index) => index);
  return {
    ...noEntries,
    clients: values(parseNetwork, indices.map(addressAt)),
    senders: values(
      parseMailPattern,
      indices.map(index => `s${index}@listed${index % 999}.example`),
    ),
    recipients: values(
      parseMailPattern,
      indices.map(index => `r${index}@listed${index % 999}.example`),
    ),
    names: values(
      parseNamePattern,
      indices.map(index => `.n${index}.example`),
    ),
  };
};

/** Six kinds in turn: by client, by sender, by recipient, by name, by HELO, and by several of these. */
function conditionsAt(index: number): Conditions {
  const client = values(parseNetwork, [addressAt(index)]);
  const sender = values(parseMailPattern, [`@s${index}.example`]);
  const recipient = values(parseMailPattern, [`r${index}@`]);
  const kinds: readonly Conditions[] = [
    { client },
    { sender },
    { recipient },
    { name: values(parseNamePattern, [`.n${index}.example`]) },
    { helo: values(parseHeloPattern, [`h${index}.example`]) },
    { client, sender, not: [{ recipient }], time: [{ days: [1, 2, 3], from: 0, until: 1_440 }] },
  ];
  return kinds[index % kinds.length] as Conditions;
}

function rulesOf(count: number, conditions: (index: number) => Conditions = conditionsAt): readonly Rule[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `rule ${index}`,
    at: `rules:${index}`,
    conditions: conditions(index),
    headers: [],
    monitor: false,
    ending: { action: 'accept' },
  }));
}

const folder = mkdtempSync(join(tmpdir(), 'milter-rules-'));
const store = await openSqliteStore({
  path: join(folder, 'greylist.db'),
  synchronous: 'NORMAL',
  clock: systemClock,
  timers: systemTimers,
  logger,
});
const opened: Greylist[] = [];

function policyWith(entries: number, rules: readonly Rule[]): Policy {
  const list = entries > 0 ? listOf(entries / 2) : undefined;
  const lists: { whitelist?: Check; blacklist?: Check } = {};
  if (list !== undefined) {
    lists.whitelist = welcomeCheck(new AccessList('whitelist', list, files), names);
    lists.blacklist = refusalCheck(new AccessList('blacklist', list, files), names, replies);
  }
  const book = compileRules(rules, files);
  const clock = systemClock;
  const greylist = createGreylist({
    store,
    clock,
    timers: systemTimers,
    timing: { delay: 300_000, retryWindow: 2 * day, lifetime: 36 * day, tooSoon: 0 },
    form: { prefix4: 24, prefix6: 64 },
    logger,
  });
  opened.push(greylist);
  return createPolicy({
    checks: standardChecks({
      ...lists,
      ...(book.size > 0 && { rules: rulesCheck({ book, clock, names, originating: [] }) }),
      replies,
    }),
    greylist,
    replies,
    author: { product: 'bench', host: 'localhost' },
    clock,
    timers: systemTimers,
    faults: new Faults({ error: silent }),
  });
}

/** A session with one recipient, as a frontend makes it. */
function envelopeAt(index: number): Envelope {
  const ip = `203.0.${(index >> 8) & 255}.${index & 255}`;
  return {
    id: 's.1',
    session: {
      id: 's',
      address: parseAddress(ip),
      transport: 'tcp',
      name: `host${index % 5_000}.stranger.example`,
      daemonName: undefined,
    },
    helo: `mx${index % 5_000}.stranger.example`,
    sender: `somebody${index % 9_999}@sender${index % 999}.example`,
    recipient: `user${index % 499}@ours.example`,
    authenticated: undefined,
    macros: noMacros,
    rejectedByMta: false,
  };
}

/** Microseconds of processor time for connecting and deciding. */
async function round(policy: Policy): Promise<number> {
  const started = process.cpuUsage();
  for (let from = 0; from < decisions; from += atOnce) {
    const envelopes = Array.from({ length: atOnce }, (_, index) => envelopeAt(from + index));
    for (const { session } of envelopes) {
      policy.settledAtConnect(session);
      policy.connect(session);
    }
    await Promise.all(envelopes.map(envelope => policy.recipient(envelope)));
  }
  const { user, system } = process.cpuUsage(started);
  return (user + system) / decisions;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] as number;
}

const byAddress = (index: number): Conditions => ({ client: values(parseNetwork, [addressAt(index)]) });
const cases: readonly (readonly [name: string, policy: Policy])[] = [
  ['no entry, no rule', policyWith(0, [])],
  ['100 entries', policyWith(100, [])],
  ['100,000 entries', policyWith(100_000, [])],
  ['10 rules', policyWith(0, rulesOf(10))],
  ['1,000 rules', policyWith(0, rulesOf(1_000))],
  ['100,000 entries, 1,000 rules', policyWith(100_000, rulesOf(1_000))],
  ['10 rules by address', policyWith(0, rulesOf(10, byAddress))],
  ['10,000 rules by address', policyWith(0, rulesOf(10_000, byAddress))],
];

const times = cases.map((): number[] => []);
for (let turn = -3; turn < rounds; turn++) {
  for (const [index, [, policy]] of cases.entries()) {
    const time = await round(policy);
    if (turn >= 0) times[index]?.push(time);
  }
}
const base = times[0] as readonly number[];
process.stdout.write('policy                          us/decision  ratio\n');
for (const [index, [name]] of cases.entries()) {
  const own = times[index] as readonly number[];
  const ratio = median(own.map((time, turn) => time / (base[turn] as number)));
  const over = ratio > limit ? `  over ${limit}` : '';
  process.stdout.write(`${name.padEnd(30)}  ${median(own).toFixed(2).padStart(11)}  ${ratio.toFixed(2)}${over}\n`);
  if (ratio > limit) process.exitCode = 1;
}
for (const greylist of opened) greylist.close();
await store.close();
rmSync(folder, { recursive: true });
