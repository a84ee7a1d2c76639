/**
 * What conditions may ask beyond the envelope. Handed in with every question, because rules are compiled before there is
 * anything that could answer.
 */
import type { Result } from '../../dnsbl/result.ts';
import type { SpfResult } from '../../spf/spf.ts';
import type { ClientNames } from '../client-name.ts';
import type { Envelope } from '../envelope.ts';

export interface Evidence {
  /** Epoch milliseconds. */
  now(): number;
  readonly names: ClientNames;
  /** The result of the session's ballot; undefined where the blocklists are not asked. Never rejects. */
  ballot(envelope: Envelope): Result | Promise<Result> | undefined;
  /** The SPF result of the message; undefined where it is not looked up. Never rejects. */
  spf(envelope: Envelope): SpfResult | Promise<SpfResult> | undefined;
}
