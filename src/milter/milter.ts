/**
 * A milter: a filter on its sockets. Accepts MTAs' connections, keeps the time limits, counts, and stops without harming
 * sessions that are under way.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Action } from './constants.ts';
import type { FilterOptions } from './filter.ts';
import { Link, type LinkEnvironment } from './link.ts';
import { formatListenAddress, type ListenAddress, parseListenAddress } from './listen-address.ts';
import { type Plan, planFilter } from './plan.ts';
import { Roster } from './roster.ts';
import { Turns } from './turns.ts';
import { listenUnix, type SocketOwner } from './unix-socket.ts';

export interface MilterOptions<A extends Action = never, C = undefined, M = undefined> extends FilterOptions<A, C, M> {
  /** More MTA connections than this are closed as soon as they come; default 10,000. */
  readonly connectionLimit?: number;
  /** A connection was closed because of the limit or could not be accepted, or a socket could not be removed. */
  readonly onRefused?: (reason: string) => void;
  /** Milliseconds that never step; default `performance.now`. */
  readonly monotonic?: () => number;
}

export interface Milter {
  /** Listens on one more address. Resolves to the address in use (port 0 becomes the real one). */
  listen(address: string | ListenAddress, owner?: Partial<SocketOwner>): Promise<string>;
  /** Serves a connection that came some other way. The limit of connections is for those that were listened for. */
  handle(stream: Duplex): void;
  /** Another filter for the connections to come; those that are open keep the one they have negotiated for. */
  use<const A extends Action = never, C = undefined, M = undefined>(filter: FilterOptions<A, C, M>): void;
  /** MTA connections open now. */
  readonly connections: number;
  /**
   * Stops listening and closes connections between SMTP sessions; waits up to `drain` milliseconds (default 0) for the others
   * to end by themselves, then closes them.
   */
  close(options?: { readonly drain?: number }): Promise<void>;
}

const TICK = 250;
const DRAIN_TICK = 20;
/** An MTA that has just connected is about to begin a session: closing on it would fail that. */
const GRACE = 100;
const BACKLOG = 1024;

export function createMilter<const A extends Action = never, C = undefined, M = undefined>(
  options: MilterOptions<A, C, M>,
): Milter {
  return new SocketMilter(options as unknown as MilterOptions<Action, unknown, unknown>);
}

class SocketMilter implements Milter {
  readonly #options: MilterOptions<Action, unknown, unknown>;
  #plan: Plan;
  readonly #environment: LinkEnvironment;
  readonly #limit: number;
  readonly #links = new Roster<Link>();
  readonly #forget = (link: Link): void => {
    this.#links.delete(link);
  };
  readonly #servers = new Map<Server, () => void>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: MilterOptions<Action, unknown, unknown>) {
    this.#options = options;
    this.#plan = planFilter(options);
    this.#limit = options.connectionLimit ?? 10_000;
    const prefix = Date.now().toString(36);
    let serial = 0;
    this.#environment = {
      nextId: () => `${prefix}-${(++serial).toString(36)}`,
      monotonic: options.monotonic ?? (() => performance.now()),
      turns: new Turns(),
    };
  }

  get connections(): number {
    return this.#links.size;
  }

  async listen(address: string | ListenAddress, owner: Partial<SocketOwner> = {}): Promise<string> {
    if (this.#closed) throw new Error('this milter is closed');
    const wanted = typeof address === 'string' ? parseListenAddress(address) : address;
    const server = createServer({ noDelay: true }, socket => this.#accept(socket));
    let release = (): void => {};
    if (wanted.kind === 'unix') {
      release = await listenUnix(server, wanted.path, { mode: owner.mode ?? 0o660, gid: owner.gid }, BACKLOG);
    } else {
      await listenOn(server, wanted.kind === 'fd' ? { fd: wanted.fd } : { host: wanted.host, port: wanted.port });
    }
    server.on('error', error => this.#refused(error.message));
    this.#servers.set(server, release);
    if (this.#closed) {
      this.#stopListening();
      throw new Error('this milter was closed before it listened');
    }
    const bound = server.address();
    if (wanted.kind !== 'inet' || bound === null || typeof bound === 'string') return formatListenAddress(wanted);
    return formatListenAddress({ ...wanted, port: bound.port });
  }

  handle(stream: Duplex): void {
    if (this.#closed || stream.destroyed) {
      stream.destroy();
      return;
    }
    this.#timer ??= setInterval(() => {
      this.#links.each(link => link.tick());
    }, TICK).unref();
    this.#links.add(new Link(stream, this.#plan, this.#environment, this.#forget));
  }

  use<A extends Action, C, M>(filter: FilterOptions<A, C, M>): void {
    this.#plan = planFilter(filter as unknown as FilterOptions<Action, unknown, unknown>);
  }

  #accept(socket: Socket): void {
    if (this.#links.size < this.#limit) {
      this.handle(socket);
      return;
    }
    socket.on('error', () => {});
    socket.destroy();
    this.#refused(`${this.#limit} connections are open: one more was closed`);
  }

  #refused(reason: string): void {
    try {
      this.#options.onRefused?.(reason);
    } catch {
      // Nobody is left to tell, and the other connections must go on.
    }
  }

  #stopListening(): void {
    for (const [server, release] of this.#servers) {
      server.close();
      try {
        release();
      } catch (error) {
        // For instance a daemon that dropped its rights since it made the socket: the next one replaces what is left.
        this.#refused(error instanceof Error ? error.message : String(error));
      }
    }
    this.#servers.clear();
  }

  async close({ drain = 0 }: { readonly drain?: number } = {}): Promise<void> {
    this.#closed = true;
    this.#stopListening();
    const start = this.#environment.monotonic();
    while (this.#links.size > 0) {
      const waited = this.#environment.monotonic() - start;
      this.#links.each(link => {
        if (waited >= drain) link.destroy();
        else if (waited >= GRACE && link.session.idle) link.session.disconnect();
      });
      if (this.#links.size > 0) await new Promise(resolve => setTimeout(resolve, DRAIN_TICK));
    }
    clearInterval(this.#timer);
  }
}

function listenOn(server: Server, target: { fd: number } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...target, backlog: BACKLOG }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}
