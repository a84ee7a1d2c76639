/**
 * The control question: before a server is held to be dead it is asked something that any resolver answers out of itself,
 * `localhost` (RFC 6761 §6.3), and any reply, whatever it says, is a sign of life. Without it a quiet server that has only been asked
 * about one silent zone could not be told from a dead one.
 */
import type { Clock, Timers } from '../clock.ts';
import { Alarm } from './alarm.ts';
import { Exchange, type ExchangeListener, type Line } from './exchange.ts';
import { encodeQuestion } from './question.ts';

const QUESTION = encodeQuestion('localhost', 'A');

export class ControlQuestion implements ExchangeListener {
  readonly #line: Line;
  readonly #clock: Clock;
  readonly #onSilence: () => void;
  readonly #alarm: Alarm;
  #exchange: Exchange | undefined;

  /** `onSilence` is called when the time for a reply is over, or when the question could not be delivered. */
  constructor(line: Line, clock: Clock, timers: Timers, onSilence: () => void) {
    this.#line = line;
    this.#clock = clock;
    this.#onSilence = onSilence;
    this.#alarm = new Alarm(clock, timers, () => {
      this.#exchange?.late();
      onSilence();
    });
  }

  /** Puts it, in place of one put before. A late reply is still taken. */
  ask(): void {
    this.cancel();
    this.#exchange = new Exchange(this.#line, QUESTION, this);
    this.#exchange.start();
  }

  cancel(): void {
    this.#alarm.clear();
    this.#exchange?.cancel();
    this.#exchange = undefined;
  }

  onSent(_exchange: Exchange, wait: number): void {
    this.#alarm.set(this.#clock.monotonic() + wait);
  }

  onFinding(): void {
    this.#alarm.clear();
  }

  onFailure(): void {
    this.#alarm.clear();
    this.#onSilence();
  }
}
