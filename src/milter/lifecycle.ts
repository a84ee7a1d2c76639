/**
 * The lives of connections and messages: made once, ended once, whatever of verdict, ABORT, another MAIL or HELO, QUIT,
 * end of file or error ends them first.
 */
import { ConnectionContext, MessageContext } from './context.ts';
import type { ConnectEvent, Path } from './event.ts';
import type { Outcome, Where } from './filter.ts';
import type { Macros } from './macros.ts';
import type { Negotiated } from './negotiation.ts';
import type { Plan } from './plan.ts';
import { isRefusal, tempfail, type Verdict } from './verdict.ts';

export class Lifecycle {
  readonly #plan: Plan;
  connection: ConnectionContext | undefined;
  message: MessageContext | undefined;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  openConnection(id: string, event: ConnectEvent, macros: Macros, negotiated: Negotiated): ConnectionContext {
    this.closeConnection();
    const connection = new ConnectionContext(id, event, macros, negotiated);
    connection.state = this.#plan.options.connectionState?.();
    this.connection = connection;
    return connection;
  }

  openMessage(connection: ConnectionContext, sender: Path): MessageContext {
    this.endMessage('aborted');
    const message = new MessageContext(connection, sender);
    message.state = this.#plan.options.messageState?.();
    this.message = message;
    return message;
  }

  endMessage(outcome: Outcome): void {
    const message = this.message;
    if (message === undefined) return;
    this.message = undefined;
    message.end();
    try {
      this.#plan.options.messageEnd?.(message, outcome);
    } catch (error) {
      this.failed(error, 'messageEnd');
    }
  }

  closeConnection(): void {
    this.endMessage('disconnected');
    const connection = this.connection;
    if (connection === undefined) return;
    connection.end();
    try {
      this.#plan.options.close?.(connection);
    } catch (error) {
      this.failed(error, 'close');
    }
    this.connection = undefined;
  }

  /** Tells the filter of an error; its answer is the verdict in place of the handler's. */
  failed(error: unknown, stage: Where['stage']): Verdict {
    const { onError } = this.#plan.options;
    if (onError === undefined || this.connection === undefined) return tempfail;
    try {
      const verdict = onError(error, { stage, connection: this.connection, message: this.message });
      return verdict.kind === 'proceed' || isRefusal(verdict) ? verdict : tempfail;
    } catch {
      // Its own error handler is the last place an error can be told: the safe answer is all that is left.
      return tempfail;
    }
  }
}
