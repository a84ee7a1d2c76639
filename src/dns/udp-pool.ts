/**
 * The sockets towards one server. Several at once, each for a limited time and number of queries, so that a forger has to
 * guess the port too (RFC 5452 §9.2) and a burst of replies finds several buffers.
 */
import { Inbox } from './inbox.ts';
import type { RandomSource } from './random.ts';
import { isLoopback, type ServerAddress } from './servers.ts';
import { UdpSocket } from './udp-socket.ts';

const SOCKETS = 8;
const MAX_AGE = 60_000;
const MAX_QUERIES = 64;
/** Nobody else speaks on the loopback interface: there a new port gains little. */
const MAX_QUERIES_LOOPBACK = 512;

interface Slot {
  readonly socket: UdpSocket;
  readonly born: number;
}

export class UdpPool {
  readonly #server: ServerAddress;
  readonly #random: RandomSource;
  readonly #inbox = new Inbox();
  readonly #maxQueries: number;
  readonly #slots: (Slot | undefined)[] = new Array(SOCKETS).fill(undefined);
  /** Retired sockets that may still wait for replies. */
  readonly #leaving = new Set<UdpSocket>();

  constructor(server: ServerAddress, random: RandomSource) {
    this.#server = server;
    this.#random = random;
    this.#maxQueries = isLoopback(server) ? MAX_QUERIES_LOOPBACK : MAX_QUERIES;
  }

  /** A socket to send the next query on. `now` in milliseconds of the monotonic clock. */
  pick(now: number): UdpSocket {
    const index = this.#random.below(SOCKETS);
    const slot = this.#slots[index];
    if (slot) {
      const { socket, born } = slot;
      if (!socket.failed && socket.sent < this.#maxQueries && now - born < MAX_AGE) return socket;
      socket.retire();
      this.#leaving.add(socket);
      void socket.closed.then(() => this.#leaving.delete(socket));
    }
    const socket = new UdpSocket(this.#server, this.#random, this.#inbox);
    this.#slots[index] = { socket, born: now };
    return socket;
  }

  /** Closes every socket; resolves when the last one is gone. */
  async close(): Promise<void> {
    const sockets = [...this.#leaving];
    for (const slot of this.#slots.splice(0)) if (slot) sockets.push(slot.socket);
    await Promise.all(sockets.map(socket => socket.close()));
  }
}
