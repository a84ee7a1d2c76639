/**
 * The objects handlers see: a connection and a message, with separate lives. Neither is ever reused.
 */

import { type ConnectEvent, Path, type Peer } from './event.ts';
import type { Connection, Message, Recipient } from './filter.ts';
import type { Macros } from './macros.ts';
import type { Negotiated } from './negotiation.ts';

/** Something that ends and has a signal for it. The signal is made only for who asks: most handlers don't. */
class Life {
  #controller: AbortController | undefined;
  #over = false;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#over) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Ends it: aborts the signal. */
  end(): void {
    this.#over = true;
    this.#controller?.abort();
  }
}

export class ConnectionContext extends Life implements Connection {
  readonly id: string;
  readonly hostname: string;
  readonly peer: Peer;
  readonly macros: Macros;
  readonly negotiated: Negotiated;
  helo: string | undefined = undefined;
  state: unknown = undefined;
  /** Messages begun so far. */
  messages = 0;

  constructor(id: string, event: ConnectEvent, macros: Macros, negotiated: Negotiated) {
    super();
    this.id = id;
    this.hostname = event.hostname;
    this.peer = event.peer;
    this.macros = macros;
    this.negotiated = negotiated;
  }

  get mta(): 'postfix' | 'sendmail' | 'unknown' {
    const version = this.macros.get('v');
    if (version === undefined) return 'unknown';
    if (version.startsWith('Postfix')) return 'postfix';
    return /^8\.\d/.test(version) ? 'sendmail' : 'unknown';
  }
}

export class MessageContext extends Life implements Message {
  readonly connection: ConnectionContext;
  readonly serial: number;
  readonly sender: Path;
  readonly recipients: Recipient[] = [];
  readonly macros: Macros;
  state: unknown = undefined;
  /** The body handler wants no more chunks. */
  skippingBody = false;

  constructor(connection: ConnectionContext, sender: Path) {
    super();
    this.connection = connection;
    this.serial = ++connection.messages;
    this.sender = sender;
    this.macros = connection.macros;
  }

  get queueId(): string | undefined {
    return this.macros.get('i');
  }
}

export class RecipientContext extends Path implements Recipient {
  readonly rejectedByMta: boolean;

  constructor(argv: readonly string[], rejectedByMta: boolean) {
    super(argv);
    this.rejectedByMta = rejectedByMta;
  }
}
