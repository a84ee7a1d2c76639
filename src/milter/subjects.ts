/**
 * What a command is about: reads its data, opens the connection or message it begins, and gives the arguments its handler is
 * called with.
 */
import { Command, ProtocolBit } from './constants.ts';
import { RecipientContext } from './context.ts';
import { decodeConnect, decodeHeader, Path } from './event.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Macros } from './macros.ts';
import type { Negotiated } from './negotiation.ts';
import { decodeString, decodeStrings } from './text.ts';

export class Subjects {
  readonly #lives: Lifecycle;
  readonly #macros: Macros;
  readonly #nextId: () => string;

  constructor(lives: Lifecycle, macros: Macros, nextId: () => string) {
    this.#lives = lives;
    this.#macros = macros;
    this.#nextId = nextId;
  }

  /**
   * The arguments for the handler, or undefined if there is nothing to ask it. What went before must be over. Throws what the
   * filter's state factories throw.
   */
  of(
    command: number,
    buffer: Buffer,
    start: number,
    end: number,
    negotiated: Negotiated,
  ): readonly unknown[] | undefined {
    if (command === Command.connect) {
      const event = decodeConnect(buffer, start, end);
      return [this.#lives.openConnection(this.#nextId(), event, this.#macros, negotiated)];
    }
    const { connection } = this.#lives;
    if (connection === undefined) return undefined;
    switch (command) {
      case Command.helo:
        connection.helo = decodeString(buffer, start, end);
        return [connection];
      case Command.unknown:
        return [connection, decodeString(buffer, start, end)];
      case Command.mail:
        return [this.#lives.openMessage(connection, new Path(decodeStrings(buffer, start, end)))];
      default:
        return this.#ofMessage(command, buffer, start, end, negotiated);
    }
  }

  #ofMessage(
    command: number,
    buffer: Buffer,
    start: number,
    end: number,
    negotiated: Negotiated,
  ): readonly unknown[] | undefined {
    const { message } = this.#lives;
    if (message === undefined) return undefined;
    switch (command) {
      case Command.rcpt: {
        const canTell = (negotiated.protocol & ProtocolBit.rejectedRecipients) !== 0;
        const rejected = canTell && this.#macros.get('rcpt_mailer') === 'error';
        const recipient = new RecipientContext(decodeStrings(buffer, start, end), rejected);
        message.recipients.push(recipient);
        return [message, recipient];
      }
      case Command.header:
        return [message, decodeHeader(buffer, start, end)];
      case Command.body:
        return message.skippingBody ? undefined : [message, buffer.subarray(start, end)];
      default:
        return [message];
    }
  }
}
