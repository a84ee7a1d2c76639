/**
 * A DNS server that does what a test tells it, on UDP and TCP of the same loopback port. It keeps every query it got.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { ServerAddress } from '../../src/dns/servers.ts';
import type { Owner } from './temp-dir.ts';

export interface UdpQuery {
  readonly message: Buffer;
  /** The client's port. */
  readonly port: number;
  /** Sends from the server's own address and port, as often as called, while the server runs. */
  send(reply: Uint8Array): void;
}

export interface ScriptedOptions {
  /** Called for each datagram. Default: silence. */
  readonly udp?: (query: UdpQuery) => void;
  /** Called for each message over TCP; default: the connection is accepted and nothing is ever said. */
  readonly tcp?: (message: Buffer, socket: Socket) => void;
  readonly host?: '127.0.0.1' | '::1';
  /** A port to take again. */
  readonly port?: number;
  /** Do not listen on TCP at all. */
  readonly noTcp?: boolean;
}

export class ScriptedDns {
  /** What to do with datagrams; may be changed while it runs. */
  udp: (query: UdpQuery) => void;
  readonly queries: UdpQuery[] = [];
  readonly tcpQueries: Buffer[] = [];
  readonly address: ServerAddress;
  readonly #udp: UdpSocket;
  readonly #tcp: Server | undefined;
  readonly #connections = new Set<Socket>();
  #waiting: (() => void)[] = [];
  #closed = false;

  private constructor(udp: UdpSocket, tcp: Server | undefined, options: ScriptedOptions) {
    this.#udp = udp;
    this.#tcp = tcp;
    this.udp = options.udp ?? (() => {});
    const { address, port } = udp.address();
    this.address = { address, family: address === '::1' ? 6 : 4, port };
    udp.on('message', (message, from) => {
      const send = (reply: Uint8Array): void => {
        if (!this.#closed) udp.send(reply, from.port, from.address);
      };
      const query = { message, port: from.port, send };
      this.queries.push(query);
      this.udp(query);
      this.#wake();
    });
    tcp?.on('connection', socket => this.#onConnection(socket, options.tcp));
  }

  static async start(owner: Owner, options: ScriptedOptions = {}): Promise<ScriptedDns> {
    const host = options.host ?? '127.0.0.1';
    for (let tries = 0; ; tries++) {
      const udp = createSocket(host === '::1' ? 'udp6' : 'udp4');
      udp.bind(options.port ?? 0, host);
      await once(udp, 'listening');
      const tcp = options.noTcp ? undefined : createServer().listen((udp.address() as AddressInfo).port, host);
      const listening =
        !tcp ||
        (await once(tcp, 'listening').then(
          () => true,
          () => false,
        ));
      if (!listening && tries < 20) {
        udp.close();
        continue;
      }
      const server = new ScriptedDns(udp, tcp, options);
      owner.after(() => server.close());
      return server;
    }
  }

  /** Resolves when at least so many datagrams have come. */
  async received(count: number): Promise<void> {
    while (this.queries.length < count) await new Promise<void>(resolve => this.#waiting.push(resolve));
  }

  /** Resolves when at least so many messages have come over TCP. */
  async receivedTcp(count: number): Promise<void> {
    while (this.tcpQueries.length < count) await new Promise<void>(resolve => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const socket of this.#connections) socket.destroy();
    await Promise.all([
      new Promise<void>(resolve => {
        this.#udp.once('close', resolve);
        try {
          this.#udp.close();
        } catch {
          resolve(); // closed before
        }
      }),
      new Promise<void>(resolve => {
        if (this.#tcp?.listening) this.#tcp.close(() => resolve());
        else resolve();
      }),
    ]);
  }

  #onConnection(socket: Socket, handle: ScriptedOptions['tcp']): void {
    this.#connections.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#connections.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const message = received.subarray(2, end);
        received = received.subarray(end);
        this.tcpQueries.push(message);
        handle?.(message, socket);
        this.#wake();
      }
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** A message as it stands in a TCP stream. */
export function framed(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]);
}
