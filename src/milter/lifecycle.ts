/**
 * The lives of connections and messages: made once, ended once, whatever of verdict, ABORT, another MAIL or HELO, QUIT,
 * end of file or error ends them first. And the way from whatever goes wrong in a filter's own code to its `onError`.
 */
import { ConnectionContext, MessageContext } from './context.ts';
import type { ConnectEvent, Path } from './event.ts';
import type { Outcome, Where } from './filter.ts';
import type { Macros } from './macros.ts';
import type { Negotiated } from './negotiation.ts';
import type { Plan } from './plan.ts';
import { isThenable } from './thenable.ts';
import { isLegal, tempfail, type Verdict } from './verdict.ts';

export class Lifecycle {
  readonly #plan: Plan;
  connection: ConnectionContext | undefined;
  message: MessageContext | undefined;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** Opens a connection; the one before must be closed. Throws what the filter's state factory throws, with the connection open. */
  openConnection(id: string, event: ConnectEvent, macros: Macros, negotiated: Negotiated): ConnectionContext {
    this.connection = new ConnectionContext(id, event, macros, negotiated);
    this.connection.state = this.#plan.options.connectionState?.();
    return this.connection;
  }

  /** Opens a message; the one before must be ended. Throws what the filter's state factory throws, with the message open. */
  openMessage(connection: ConnectionContext, sender: Path): MessageContext {
    this.message = new MessageContext(connection, sender);
    this.message.state = this.#plan.options.messageState?.();
    return this.message;
  }

  endMessage(outcome: Outcome): void {
    const { message } = this;
    if (message === undefined) return;
    this.message = undefined;
    message.end();
    const { options } = this.#plan;
    if (options.messageEnd === undefined) return;
    const failed = (error: unknown): unknown => this.failed(error, 'messageEnd', message.connection, message);
    try {
      const result: unknown = options.messageEnd(message, outcome);
      if (isThenable(result)) result.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }

  closeConnection(): void {
    this.endMessage('disconnected');
    const { connection } = this;
    if (connection === undefined) return;
    this.connection = undefined;
    connection.end();
    const { options } = this.#plan;
    if (options.close === undefined) return;
    const failed = (error: unknown): unknown => this.failed(error, 'close', connection, undefined);
    try {
      const result: unknown = options.close(connection);
      if (isThenable(result)) result.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }

  /** Tells the filter of an error; its answer is the verdict in place of the handler's. */
  failed(
    error: unknown,
    stage: Where['stage'],
    connection: ConnectionContext,
    message: MessageContext | undefined,
  ): Verdict {
    const { onError } = this.#plan.options;
    if (onError === undefined) return tempfail;
    try {
      const verdict: unknown = onError(error, { stage, connection, message });
      return isLegal(verdict, 'unknown') ? verdict : tempfail;
    } catch {
      // Its own error handler is the last place an error can be told: the safe answer is all that is left.
      return tempfail;
    }
  }

  /** Tells the filter that the peer broke the protocol. */
  offended(message: string, fatal: boolean): void {
    try {
      this.#plan.options.onProtocolError?.(message, fatal);
    } catch {
      // As above: there is nobody left to tell, and the other sessions of this process must go on.
    }
  }
}
