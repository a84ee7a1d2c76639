/**
 * The DNS debug log: one line for each question sent and each outcome, for a person with a blocklist that behaves oddly.
 *
 *     2026-11-21T08:53:48.120Z 127.0.0.1 > A 7.113.0.203.bl.example (udp)
 *     2026-11-21T08:53:48.121Z 127.0.0.1 < A 7.113.0.203.bl.example: 127.0.0.2 (ttl 60, 1.2 ms)
 */
import type { Clock } from '../clock.ts';
import type { Logger } from '../log/logger.ts';
import type { Question } from './question.ts';
import type { Failure, Finding } from './reply.ts';

const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\\]/gu;

export interface WireLogOptions {
  /** Takes whole lines, with the line break. */
  readonly sink: { write(line: string): unknown };
  /** Takes secrets, such as the key in a zone's name, out of a text. */
  readonly redact: (text: string) => string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class WireLog {
  readonly #options: WireLogOptions;
  #broken = false;

  constructor(options: WireLogOptions) {
    this.#options = options;
  }

  asked(server: string, { type, name }: Question, how: string): void {
    this.#write(`${server} > ${type} ${name} (${how})`);
  }

  found(server: string, { type, name }: Question, finding: Finding, milliseconds: number): void {
    const what = finding.status === 'records' ? finding.records.join(', ') : finding.status;
    const alias = finding.cname ? 'alias, ' : '';
    const time = milliseconds.toFixed(1);
    this.#write(`${server} < ${type} ${name}: ${what} (${alias}ttl ${finding.ttl ?? 'none'}, ${time} ms)`);
  }

  failed(server: string, { type, name }: Question, { cause, detail }: Failure): void {
    this.#write(`${server} ! ${type} ${name}: ${cause} (${detail})`);
  }

  #write(text: string): void {
    if (this.#broken) return;
    const { sink, redact, clock, logger } = this.#options;
    try {
      // Answers come from outside: no control character may forge or hide a line.
      const safe = redact(text).replace(UNSAFE, char => `\\u{${char.codePointAt(0)?.toString(16)}}`);
      sink.write(`${new Date(clock.now()).toISOString()} ${safe}\n`);
    } catch (error) {
      this.#broken = true; // a look-up must not fail for its log's sake
      logger.error('DNS debug log failed and is off', { error: String(error) });
    }
  }
}
