/**
 * The SPF results of messages, shared by all who want to know: asked for once a message, at MAIL if the frontend hears of it
 * then. Nobody's are asked who has logged in, comes by a listener of our own users, or from an address that means something
 * else to everyone.
 */
import { mayLookUp } from '../net/address-class.ts';
import type { SpfFinding, SpfPort, SpfResult } from '../spf/spf.ts';
import type { MessageStart, Session } from './envelope.ts';

/** A message's result: under way, and when it is there. */
interface Inquiry {
  readonly sender: string;
  readonly helo: string | undefined;
  readonly promise: Promise<SpfFinding>;
  finding: SpfFinding | undefined;
}

export class SpfResults {
  readonly #port: SpfPort;
  readonly #originating: ReadonlySet<string>;
  /** A session has one message at a time. */
  readonly #latest = new WeakMap<Session, Inquiry>();

  /** @param originating `{daemon_name}`s of listeners for our own users' mail */
  constructor(port: SpfPort, originating: readonly string[]) {
    this.#port = port;
    this.#originating = new Set(originating);
  }

  /** Asks anew. */
  begin(message: MessageStart): void {
    this.#ask(message);
  }

  /** The finding for a message; undefined if nobody is asked about it. Never rejects. */
  of(message: MessageStart): SpfFinding | Promise<SpfFinding> | undefined {
    const { session, sender, helo } = message;
    if (message.authenticated !== undefined) return undefined;
    const latest = this.#latest.get(session);
    const inquiry = latest?.sender === sender && latest.helo === helo ? latest : this.#ask(message);
    return inquiry?.finding ?? inquiry?.promise;
  }

  /** The word for a message; undefined if nobody is asked about it. Never rejects. */
  word(message: MessageStart): SpfResult | Promise<SpfResult> | undefined {
    const finding = this.of(message);
    return finding instanceof Promise ? finding.then(({ result }) => result) : finding?.result;
  }

  /** The word for a session's latest message, if it is there. */
  latest(session: Session): SpfResult | undefined {
    return this.#latest.get(session)?.finding?.result;
  }

  #ask({ session, helo, sender, authenticated }: MessageStart): Inquiry | undefined {
    const { address, daemonName } = session;
    const isOurs = authenticated !== undefined || (daemonName !== undefined && this.#originating.has(daemonName));
    if (isOurs || address === undefined || !mayLookUp(address)) {
      this.#latest.delete(session);
      return undefined;
    }
    const promise = this.#port.check({ address, helo, sender });
    const inquiry: Inquiry = { sender, helo, promise, finding: undefined };
    this.#latest.set(session, inquiry);
    void promise.then(finding => {
      inquiry.finding = finding;
    });
    return inquiry;
  }
}
