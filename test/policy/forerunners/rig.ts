/**
 * A mail system for the tests of what the forerunners did: a policy as the daemon makes it of a configuration file, with stores
 * in memory and time that is moved by hand; and clients that send messages to it.
 */
import { parseConfig } from '../../../src/config/load.ts';
import { assemblePolicy } from '../../../src/daemon/assemble.ts';
import { Greylisting } from '../../../src/daemon/greylisting.ts';
import { readMaterials } from '../../../src/daemon/materials.ts';
import type { Store } from '../../../src/greylist/store.ts';
import { RateLimited } from '../../../src/log/rate-limited.ts';
import { parseAddress } from '../../../src/net/address.ts';
import type { Decision } from '../../../src/policy/decision.ts';
import { noMacros, type Session } from '../../../src/policy/envelope.ts';
import { Faults } from '../../../src/policy/faults.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { Verdict } from '../../../src/policy/verdict.ts';
import { createMemoryNotes } from '../../../src/stores/memory-notes.ts';
import { createMemoryStore } from '../../../src/stores/memory-store.ts';
import { FakeResolver } from '../../support/fake-resolver.ts';
import { FixedClock } from '../../support/fixed-clock.ts';
import { FixedTimers } from '../../support/fixed-timers.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

export const SECOND = 1_000;
export const MINUTE: number = 60 * SECOND;
export const HOUR: number = 60 * MINUTE;
export const DAY: number = 24 * HOUR;

/** A message on its way; what is not said is any stranger's. */
export interface Mail {
  readonly ip?: string;
  readonly helo?: string;
  /** Empty for the null sender. */
  readonly from?: string;
  readonly to?: string | readonly string[];
  readonly user?: string;
}

export interface Rig {
  readonly policy: Policy;
  readonly store: Store;
  /** What was logged, without the decisions. */
  readonly lines: readonly string[];
  /** Lets time go by. */
  wait(milliseconds: number): Promise<void>;
  /**
   * Sends a message to its end, if a recipient is let in. What the client is told, a line for each recipient and one for the
   * end of the message: `ok REASON`, or the reply.
   */
  send(mail?: Mail): Promise<readonly string[]>;
  /** The one line that matters of a message with one recipient: the first refusal, or the last word. */
  deliver(mail?: Mail): Promise<string>;
}

/** @param text a configuration file; @param zone what the DNS knows */
export async function rigOf(text: string, zone = '', store: Store = createMemoryStore()): Promise<Rig> {
  const { config } = parseConfig({ file: 'milter-greylist.yaml', text });
  const clock = new FixedClock();
  const timers = new FixedTimers(clock);
  const { logger, lines } = recordingLogger();
  const log = new RateLimited({ logger, timers });
  const greylisting = new Greylisting({ store, notes: createMemoryNotes(), clock, timers, logger, log });
  const policy = assemblePolicy(await readMaterials(config), {
    ...greylisting.use(config),
    resolver: new FakeResolver(zone, { clock, timers }),
    blocklists: undefined,
    clock,
    timers,
    faults: new Faults(log),
  });
  let sessions = 0;

  const send: Rig['send'] = async ({ ip = '203.0.113.7', helo = 'mx.example.net', ...mail } = {}) => {
    const { from = 'a@example.net', to = 'b@example.org', user } = mail;
    const id = `s${++sessions}`;
    const session: Session = {
      id,
      address: parseAddress(ip),
      transport: 'tcp',
      name: `[${ip}]`,
      daemonName: undefined,
    };
    const message = { session, helo, sender: from, authenticated: user, macros: noMacros };
    policy.connect(session);
    policy.mail(message);
    const decisions: Decision[] = [];
    for (const [index, recipient] of [to].flat().entries()) {
      const envelope = { ...message, recipient, id: `${id}.${index + 1}`, rejectedByMta: false };
      decisions.push(await policy.recipient(envelope));
    }
    const answers = decisions.map(({ verdict }) => tell(verdict));
    if (decisions.every(({ verdict }) => verdict.action !== 'accept')) return answers;
    const end = await policy.endOfMessage(session, decisions);
    return [...answers, end.action === 'accept' ? 'ok' : tell(end)];
  };

  return {
    policy,
    store,
    lines,
    wait: milliseconds => timers.advance(milliseconds),
    send,
    async deliver(mail) {
      const answers = await send(mail);
      const refusal = answers.find(answer => !answer.startsWith('ok'));
      return refusal ?? answers.at(-2) ?? '';
    },
  };
}

function tell(verdict: Verdict): string {
  if (verdict.action === 'accept') return `ok ${verdict.reason}`;
  const { code, enhanced, text } = verdict.reply;
  return `${code} ${enhanced} ${text}`;
}
