/**
 * Load from a process of its own, and the tally of all its answers.
 */
import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Busyness, type Losses, percentile, type Trial } from './case.ts';
import { type Answer, type Kind, type LoadOptions, PROPER } from './traffic.ts';

/** Sessions without which a case shows nothing. */
const ENOUGH = 50;
const worker = fileURLToPath(new URL('load-worker.ts', import.meta.url));

/** A second of answers. */
export interface Second {
  readonly times: number[];
}

export class Load {
  /** How often each kind got each word: `new 451`. */
  readonly words = new Map<string, number>();
  /** Serials of the triplets that were told to come back. */
  acknowledged: Set<number> = new Set<number>();
  readonly seconds: Second[] = [];
  /** The longest wait for an answer at RCPT, in milliseconds. */
  slowest = 0;
  answers = 0;
  /** The first serial that was not used. */
  next: number;
  readonly #process;
  readonly #ended: Promise<void>;
  readonly #start = performance.now();
  readonly #busyness: Busyness;

  constructor(trial: Trial, options: LoadOptions) {
    this.next = options.first;
    this.#busyness = new Busyness(trial);
    this.#process = fork(worker, [JSON.stringify(options)], { serialization: 'advanced' });
    this.#ended = new Promise((resolve, reject) => {
      this.#process.on('message', (message: { answers: readonly Answer[] } | { next: number }) => {
        if ('answers' in message) for (const answer of message.answers) this.#count(answer);
        else this.next = message.next;
      });
      this.#process.once('exit', code =>
        code === 0 ? resolve() : reject(new Error(`the load ended with code ${code}`)),
      );
    });
    this.#ended.catch(() => {}); // `stop` tells
    trial.after(() => {
      this.#process.kill('SIGKILL');
    });
  }

  /** Lets the sessions under way end; resolves when all is counted. */
  async stop(): Promise<this> {
    this.#process.send('stop', () => {});
    await this.#ended;
    return this;
  }

  /** Lets so many milliseconds go by, and on until so many more answers have come, for two minutes at most. */
  async during(milliseconds: number, answers: number): Promise<void> {
    const start = performance.now();
    const enough = this.answers + answers;
    await sleep(milliseconds);
    while (this.answers < enough && performance.now() - start < 120_000) await sleep(20);
  }

  /** How many answers were of these words, `new 451`; a kind of `*` means any. */
  count(fits: (kind: Kind, word: string) => boolean): number {
    let sum = 0;
    for (const [key, number] of this.words) {
      const [kind = '', ...word] = key.split(' ');
      if (fits(kind as Kind, word.join(' '))) sum += number;
    }
    return sum;
  }

  /** The time below which this share of the answers came, in milliseconds; between two seconds of the run. */
  latency(share: number, from = 0, to: number = this.seconds.length): number {
    return percentile(
      this.seconds.slice(from, to).flatMap(second => second?.times ?? []),
      share,
    );
  }

  /** Every word that is not the proper one, most frequent first. */
  oddities(): string {
    const odd = [...this.words].filter(([key]) => {
      const [kind = '', ...word] = key.split(' ');
      return PROPER[kind as Kind] !== word.join(' ');
    });
    return odd
      .sort(([, a], [, b]) => b - a)
      .map(([key, number]) => `${key} ×${number}`)
      .join(', ');
  }

  /**
   * What may never be: a refusal of who is on no list, an answer after 8 s (more on a busy machine), and whatever `allowed` does
   * not name besides the proper answers.
   */
  judge(losses: Losses, allowed: (kind: Kind, word: string) => boolean = () => false): void {
    for (const [key, number] of this.words) {
      const [kind = '', ...rest] = key.split(' ');
      const word = rest.join(' ');
      if (PROPER[kind as Kind] === word) continue;
      const refused = /^5|reject|discard/.test(word);
      // Who could not be looked up in time is accepted, and on a machine that is away for seconds that is nobody's fault.
      const late = this.#busyness.worst > 1_000 && word.startsWith('proceed') && number < this.answers / 100;
      if (refused || !(late || allowed(kind as Kind, word)))
        losses.expect(false, `${kind} got ${word}`, () => `${number} times`);
    }
    losses.expect(this.answers >= ENOUGH, 'too little load to prove anything', () => `${this.answers} sessions`);
    losses.expect(
      this.slowest < this.#busyness.stretch(8_000),
      'an answer after more than 8 s',
      () => `${Math.round(this.slowest)} ms`,
    );
  }

  #count([serial, kind, word, milliseconds]: Answer): void {
    const key = `${kind} ${word}`;
    this.words.set(key, (this.words.get(key) ?? 0) + 1);
    this.answers += 1;
    if (kind === 'new' && word === '451') this.acknowledged.add(serial);
    if (!word.startsWith('error')) this.slowest = Math.max(this.slowest, milliseconds);
    const second = Math.floor((performance.now() - this.#start) / 1_000);
    while (this.seconds.length <= second) this.seconds.push({ times: [] });
    this.seconds[second]?.times.push(milliseconds);
  }
}

/** An answer that only says that the daemon was not there. */
export const gone = (word: string): boolean =>
  /^error (ECONNREFUSED|ECONNRESET|EPIPE|ENOENT|the milter closed)/.test(word);
