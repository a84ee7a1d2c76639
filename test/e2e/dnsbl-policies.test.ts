/**
 * any, majority and all over three real blocklists, with all of them up and then killed one after the other, as the clients of
 * a real Postfix and a real Sendmail see it: 550 for those whom the policy lists, and for all others, whatever is broken, the greylist's 451.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { showReply } from '../support/smtp.ts';
import { suiteOwner } from '../support/suite-owner.ts';
import type { Owner } from '../support/temp-dir.ts';
import { blocklistsMissing, type RealBlocklists, startBlocklists } from './support/blocklists.ts';
import { type MailSystem, startPostfixSystem } from './support/mail-system.ts';
import { postfixMissing } from './support/postfix.ts';
import { testEntry, type ZoneData } from './support/rbldnsd.ts';
import { sendmailMissing } from './support/sendmail.ts';
import { startSendmailSystem } from './support/sendmail-system.ts';
import { waitOf } from './support/waiting.ts';

/** The servers, why there are none of them here, how to start one, and what it puts into a refusal. */
const servers = [
  ['Postfix', postfixMissing, startPostfixSystem, ''],
  ['Sendmail', sendmailMissing, startSendmailSystem, '<b@example.org>... '],
] as const;

const policies = ['any', 'majority', 'all'] as const;
type PolicyName = (typeof policies)[number];

/** The outcome under each policy by how many of three lists list the client, do not, and abstain. */
const table: Readonly<Record<string, Readonly<Record<PolicyName, 'listed' | 'clear' | 'unknown'>>>> = {
  '3 0 0': { any: 'listed', majority: 'listed', all: 'listed' },
  '2 1 0': { any: 'listed', majority: 'listed', all: 'clear' },
  '2 0 1': { any: 'listed', majority: 'listed', all: 'unknown' },
  '1 2 0': { any: 'listed', majority: 'clear', all: 'clear' },
  '1 1 1': { any: 'listed', majority: 'unknown', all: 'clear' },
  '1 0 2': { any: 'listed', majority: 'unknown', all: 'unknown' },
  '0 3 0': { any: 'clear', majority: 'clear', all: 'clear' },
  '0 2 1': { any: 'unknown', majority: 'clear', all: 'clear' },
  '0 1 2': { any: 'unknown', majority: 'unknown', all: 'clear' },
  '0 0 3': { any: 'unknown', majority: 'unknown', all: 'unknown' },
};

const zones = ['a.test', 'b.test', 'c.test'] as const;

/** Bit by bit, a client's last octet says which lists know it. */
function listsOf(octet: number): readonly string[] {
  return zones.filter((_, bit) => octet & (1 << bit));
}

function listOf(zone: string): ZoneData {
  const octets = [...Array(256).keys()].filter(octet => listsOf(octet).includes(zone));
  return { ip4: [...testEntry.ip4, ...octets.map(octet => `203.0.113.${octet}`)], ip6: testEntry.ip6 };
}

for (const [name, missing, startSystem, prefix] of servers) {
  describe(`three lists behind ${name}`, {
    skip: [missing, blocklistsMissing].filter(Boolean).join(', ') || false,
  }, () => {
    const owner = suiteOwner();
    let lists: RealBlocklists;
    const systems = new Map<PolicyName, MailSystem>();
    before(async () => {
      lists = await startBlocklists(owner, Object.fromEntries(zones.map(zone => [zone, listOf(zone)])));
      for (const policy of policies) {
        const flags = [...lists.flags, '--policy', policy, '--greytimeout', '1m'];
        systems.set(policy, await startSystem(owner, { flags }));
      }
      for (const { daemon } of systems.values()) await lists.ready(daemon);
    });

    /**
     * What becomes of a client: `refused` or `greylisted`, to the letter of the reply, the outcome that the log tells, and whether
     * it tells of a list that was asked and had no time to answer.
     */
    async function visit(
      owner: Owner,
      policy: PolicyName,
      octet: number,
    ): Promise<{ answer: string; outcome: string; late: readonly string[] }> {
      const system = systems.get(policy) ?? assert.fail(policy);
      const address = `203.0.113.${octet}`;
      const { rcpt } = await system.deliver(
        owner,
        { address },
        { from: `${octet}@example.net`, to: ['b@example.org'] },
      );
      const [reply] = rcpt.map(showReply);
      const { dnsbl = '' } = await system.daemon.decision({ client_address: address });
      const outcome = dnsbl.split(' ', 1).join();
      const late = zones.filter(zone => new RegExp(`\\b${zone}=abstain\\((timeout|too-slow|deadline)\\b`).test(dnsbl));
      if (zones.some(zone => reply === `550 5.7.1 ${prefix}Rejected. Address ${address} found in ${zone}`))
        return { answer: 'refused', outcome, late };
      waitOf(rcpt[0]);
      return { answer: 'greylisted', outcome, late };
    }

    for (const dead of [0, 1, 2, 3]) {
      const killed: readonly string[] = zones.slice(zones.length - dead);
      const state = dead === 0 ? 'with all lists up' : `with ${killed.join(' and ')} killed`;
      test(`${state}, each policy refuses whom it must, and greylists all others`, async t => {
        if (dead > 0) await lists.kill(killed[0] ?? '');
        const check = async (policy: PolicyName): Promise<void> => {
          for (let combination = 0; combination < 8; combination++) {
            const octet = dead * 8 + combination; // clients of its own for each state: answers are remembered
            const listing = listsOf(octet).filter(zone => !killed.includes(zone)).length;
            const row = `${listing} ${zones.length - dead - listing} ${dead}`;
            const expected = table[row]?.[policy] ?? assert.fail(row);
            const what = `${policy} of three, ${row}, known to: ${listsOf(octet).join(' ')}`;
            let seen = await visit(t, policy, octet);
            // Half a second is all that a list gets. When a busy machine holds up one that lives, another client tells: its like.
            for (let like = octet + 32; like < 160 && seen.late.some(zone => !killed.includes(zone)); like += 32)
              seen = await visit(t, policy, like);
            const { answer, outcome } = seen;
            assert.equal(answer, expected === 'listed' ? 'refused' : 'greylisted', what);
            // Asking ends as soon as a listing is out of reach, when who knew every vote might say clear.
            assert.ok(
              outcome === expected || (outcome === 'unknown' && expected === 'clear' && dead > 0),
              `${what}: ${outcome}`,
            );
          }
        };
        await Promise.all(policies.map(check));
      });
    }
  });
}
