/**
 * The MTA's side of the protocol: a client that asks any milter, for tests, benchmarks and probes. It obeys what was negotiated
 * as the MTAs do: stages the milter does not want are not sent, replies it does not give are not waited for, and what needs no
 * reply travels in one write with the next thing that does.
 */
import { connect as connectSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { decodeEdit, decodeReply, type Edit, type MilterReply } from './client-reply.ts';
import { ALL_ACTIONS, ALL_PROTOCOL, CHUNK_SIZE, Command, PROTOCOL_VERSION, ProtocolBit } from './constants.ts';
import { type ConnectEvent, encodeConnect } from './event.ts';
import { encodeFrame, FrameParser } from './frame-parser.ts';
import { type ListenAddress, parseListenAddress } from './listen-address.ts';
import { decodeAnswer, type MacroLists, type Negotiated, type Offer } from './negotiation.ts';
import { ProtocolError } from './protocol-error.ts';
import { encodeStrings } from './text.ts';

export type MacroValues = Readonly<Record<string, string>>;

export interface ClientOptions {
  /** Milliseconds to wait for a reply; default 30,000. */
  readonly timeout?: number;
}

const EMPTY = Buffer.alloc(0);

/** Connects to a milter. Rejects with the socket's error if nobody listens. */
export function connectMilter(address: string | ListenAddress, options: ClientOptions = {}): Promise<MilterClient> {
  const to = typeof address === 'string' ? parseListenAddress(address) : address;
  if (to.kind === 'fd') return Promise.reject(new RangeError('a client needs an address, not a descriptor'));
  return new Promise((resolve, reject) => {
    const socket = connectSocket(
      to.kind === 'unix' ? { path: to.path } : { host: to.host, port: to.port, noDelay: true },
    );
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      resolve(new MilterClient(socket, options));
    });
  });
}

interface Waiter {
  readonly resolve: (frame: { command: number; data: Buffer }) => void;
  readonly reject: (error: Error) => void;
}

export class MilterClient {
  readonly #stream: Duplex;
  readonly #timeout: number;
  readonly #parser = new FrameParser(1 << 24);
  readonly #frames: { command: number; data: Buffer }[] = [];
  #waiter: Waiter | undefined;
  #out: Buffer[] = [];
  #failure: Error | undefined;
  #protocol = 0;

  constructor(stream: Duplex, options: ClientOptions = {}) {
    this.#stream = stream;
    this.#timeout = options.timeout ?? 30_000;
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('error', (error: Error) => this.#fail(error));
    stream.on('close', () => this.#fail(new ProtocolError('the milter closed the connection')));
  }

  /** Offers everything unless told otherwise. */
  async negotiate(offer: Partial<Offer> = {}): Promise<Negotiated & { readonly macros: MacroLists }> {
    const numbers = Buffer.allocUnsafe(12);
    numbers.writeUInt32BE(offer.version ?? PROTOCOL_VERSION, 0);
    numbers.writeUInt32BE(offer.actions ?? ALL_ACTIONS, 4);
    numbers.writeUInt32BE(offer.protocol ?? ALL_PROTOCOL, 8);
    this.#send(Command.negotiate, numbers);
    const { command, data } = await this.#frame();
    if (command !== Command.negotiate) throw new ProtocolError(`answer 0x${command.toString(16)} to the negotiation`);
    const answer = decodeAnswer(data, 0, data.length);
    this.#protocol = answer.protocol;
    return answer;
  }

  connect(event: ConnectEvent, macros?: MacroValues): Promise<MilterReply> {
    const { noConnect, noReplyConnect } = ProtocolBit;
    return this.#ask(Command.connect, encodeConnect(event), noConnect, noReplyConnect, macros);
  }

  helo(name: string, macros?: MacroValues): Promise<MilterReply> {
    return this.#ask(Command.helo, encodeStrings(name), ProtocolBit.noHelo, ProtocolBit.noReplyHelo, macros);
  }

  /** The address in angle brackets, then ESMTP arguments. */
  mail(argv: readonly string[], macros?: MacroValues): Promise<MilterReply> {
    return this.#ask(Command.mail, encodeStrings(...argv), ProtocolBit.noMail, ProtocolBit.noReplyMail, macros);
  }

  rcpt(argv: readonly string[], macros?: MacroValues): Promise<MilterReply> {
    return this.#ask(Command.rcpt, encodeStrings(...argv), ProtocolBit.noRcpt, ProtocolBit.noReplyRcpt, macros);
  }

  data(macros?: MacroValues): Promise<MilterReply> {
    return this.#ask(Command.data, EMPTY, ProtocolBit.noData, ProtocolBit.noReplyData, macros);
  }

  header(name: string, value: string, macros?: MacroValues): Promise<MilterReply> {
    const { noHeaders, noReplyHeader } = ProtocolBit;
    return this.#ask(Command.header, encodeStrings(name, value), noHeaders, noReplyHeader, macros);
  }

  eoh(macros?: MacroValues): Promise<MilterReply> {
    const { noEndOfHeader, noReplyEndOfHeader } = ProtocolBit;
    return this.#ask(Command.endOfHeader, EMPTY, noEndOfHeader, noReplyEndOfHeader, macros);
  }

  /** One chunk; at most 65,535 bytes. */
  body(chunk: Uint8Array, macros?: MacroValues): Promise<MilterReply> {
    if (chunk.length > CHUNK_SIZE) throw new RangeError(`body chunk of ${chunk.length} bytes: at most ${CHUNK_SIZE}`);
    return this.#ask(Command.body, chunk, ProtocolBit.noBody, ProtocolBit.noReplyBody, macros);
  }

  unknown(line: string, macros?: MacroValues): Promise<MilterReply> {
    const { noUnknown, noReplyUnknown } = ProtocolBit;
    return this.#ask(Command.unknown, encodeStrings(line), noUnknown, noReplyUnknown, macros);
  }

  /** The end of the message: the edits asked for, in order, and the verdict. */
  async endOfMessage(macros?: MacroValues): Promise<{ readonly edits: readonly Edit[]; readonly reply: MilterReply }> {
    if (macros !== undefined) this.macros(Command.endOfMessage, macros);
    this.#send(Command.endOfMessage, EMPTY);
    const edits: Edit[] = [];
    for (;;) {
      const { command, data } = await this.#frame();
      const edit = decodeEdit(command, data);
      if (edit === undefined) return { edits, reply: decodeReply(command, data) };
      if (edit.kind !== 'progress') edits.push(edit);
    }
  }

  /** Tells macros ahead of a command, by its byte. */
  macros(command: number, values: MacroValues): void {
    const strings = Object.entries(values).flat();
    this.#send(Command.macro, Buffer.concat([Buffer.of(command), encodeStrings(...strings)]));
  }

  abort(): void {
    this.#send(Command.abort, EMPTY);
  }

  /** Ends the SMTP connection and keeps this one for another `connect`. */
  quitNewConnection(): void {
    this.#send(Command.quitNewConnection, EMPTY);
  }

  /** Says goodbye and closes. */
  quit(): void {
    this.#send(Command.quit, EMPTY);
    this.#flush();
    this.#stream.end();
  }

  /** Closes without a word. */
  destroy(): void {
    this.#stream.destroy();
  }

  async #ask(
    command: number,
    data: Uint8Array,
    noEvent: number,
    noReply: number,
    macros: MacroValues | undefined,
  ): Promise<MilterReply> {
    if (macros !== undefined) this.macros(command, macros);
    if ((this.#protocol & noEvent) !== 0) return { kind: 'not-wanted' };
    this.#send(command, data);
    if ((this.#protocol & noReply) !== 0) return { kind: 'no-reply' };
    const frame = await this.#frame();
    return decodeReply(frame.command, frame.data);
  }

  #send(command: number, data: Uint8Array): void {
    this.#out.push(encodeFrame(command, data));
  }

  #flush(): void {
    if (this.#out.length === 0) return;
    this.#stream.write(Buffer.concat(this.#out));
    this.#out = [];
  }

  #frame(): Promise<{ command: number; data: Buffer }> {
    this.#flush();
    const ready = this.#frames.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#fail(new ProtocolError(`no reply within ${this.#timeout} ms`));
        this.#stream.destroy();
      }, this.#timeout);
      this.#waiter = {
        resolve: frame => {
          clearTimeout(timer);
          resolve(frame);
        },
        reject: error => {
          clearTimeout(timer);
          reject(error);
        },
      };
    });
  }

  #receive(chunk: Buffer): void {
    this.#parser.feed(chunk);
    try {
      while (this.#parser.read()) {
        const { command, buffer, start, end } = this.#parser;
        const frame = { command, data: Buffer.from(buffer.subarray(start, end)) };
        const waiter = this.#waiter;
        this.#waiter = undefined;
        if (waiter === undefined) this.#frames.push(frame);
        else waiter.resolve(frame);
      }
    } catch (error) {
      this.#fail(error as Error);
      this.#stream.destroy();
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.reject(this.#failure);
  }
}
