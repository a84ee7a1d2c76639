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
  /** Milliseconds to wait for the connection, and for each packet of a reply; default 30,000. */
  readonly timeout?: number;
}

const EMPTY = Buffer.alloc(0);
const PATIENCE = 30_000;
const LARGEST_REPLY = 1 << 24;

/** Connects to a milter. Rejects with the socket's error if nobody listens. */
export function connectMilter(address: string | ListenAddress, options: ClientOptions = {}): Promise<MilterClient> {
  const to = typeof address === 'string' ? parseListenAddress(address) : address;
  if (to.kind === 'fd') return Promise.reject(new RangeError('a client needs an address, not a descriptor'));
  const patience = options.timeout ?? PATIENCE;
  return new Promise((resolve, reject) => {
    const socket = connectSocket(
      to.kind === 'unix' ? { path: to.path } : { host: to.host, port: to.port, noDelay: true },
    );
    socket.setTimeout(patience, () => socket.destroy(new ProtocolError(`no connection within ${patience} ms`)));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeListener('error', reject);
      resolve(new MilterClient(socket, options));
    });
  });
}

/** A command whose answer is due. */
interface Request {
  /** Takes a packet of the answer. True if it was the last. Throws `ProtocolError` if it can't be one. */
  readonly take: (command: number, data: Buffer) => boolean;
  readonly reject: (error: Error) => void;
}

export class MilterClient {
  readonly #stream: Duplex;
  readonly #patience: number;
  readonly #parser = new FrameParser(LARGEST_REPLY);
  /** In the order in which they were sent, which is the order of the answers. */
  readonly #requests: Request[] = [];
  #timer: NodeJS.Timeout | undefined;
  #out: Buffer[] = [];
  #failure: Error | undefined;
  #protocol = 0;

  constructor(stream: Duplex, options: ClientOptions = {}) {
    this.#stream = stream;
    this.#patience = options.timeout ?? PATIENCE;
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
    const answer = await this.#answer((command, data) => {
      if (command === Command.negotiate) return decodeAnswer(data, 0, data.length);
      throw new ProtocolError(`answer 0x${command.toString(16)} to the negotiation`);
    });
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
  endOfMessage(macros?: MacroValues): Promise<{ readonly edits: readonly Edit[]; readonly reply: MilterReply }> {
    if (macros !== undefined) this.macros(Command.endOfMessage, macros);
    this.#send(Command.endOfMessage, EMPTY);
    const edits: Edit[] = [];
    return this.#answer((command, data) => {
      const edit = decodeEdit(command, data);
      if (edit === undefined) return { edits, reply: decodeReply(command, data) };
      if (edit.kind !== 'progress') edits.push(edit);
      return undefined;
    });
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
    this.#stream.end(() => this.#stream.destroy());
  }

  /** Closes without a word. */
  destroy(): void {
    this.#stream.destroy();
  }

  #ask(
    command: number,
    data: Uint8Array,
    noEvent: number,
    noReply: number,
    macros: MacroValues | undefined,
  ): Promise<MilterReply> {
    if (macros !== undefined) this.macros(command, macros);
    if ((this.#protocol & noEvent) !== 0) return Promise.resolve({ kind: 'not-wanted' });
    this.#send(command, data);
    if ((this.#protocol & noReply) !== 0) return Promise.resolve({ kind: 'no-reply' });
    return this.#answer(decodeReply);
  }

  #send(command: number, data: Uint8Array): void {
    this.#out.push(encodeFrame(command, data));
  }

  #flush(): void {
    if (this.#out.length === 0) return;
    this.#stream.write(Buffer.concat(this.#out));
    this.#out = [];
  }

  /** What `read` makes of the answer to the command just sent; it returns undefined as long as more packets belong to it. */
  #answer<T extends object>(read: (command: number, data: Buffer) => T | undefined): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#timer ??= setTimeout(
      () => this.#fail(new ProtocolError(`no reply within ${this.#patience} ms`)),
      this.#patience,
    );
    return new Promise((resolve, reject) => {
      const take = (command: number, data: Buffer): boolean => {
        const result = read(command, data);
        if (result !== undefined) resolve(result);
        return result !== undefined;
      };
      this.#requests.push({ take, reject });
      // Last, since a stream in memory may bring the answer while it is written to.
      this.#flush();
    });
  }

  #receive(chunk: Buffer): void {
    this.#parser.feed(chunk);
    try {
      while (this.#failure === undefined && this.#parser.read()) {
        const { command, buffer, start, end } = this.#parser;
        const [request] = this.#requests;
        if (request === undefined) throw new ProtocolError(`reply 0x${command.toString(16)} that nobody asked for`);
        this.#timer?.refresh();
        if (request.take(command, buffer.subarray(start, end))) this.#requests.shift();
        if (this.#requests.length === 0) this.#stopTimer();
      }
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** The first reason counts; every answer that is due is lost for it. */
  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#stopTimer();
    for (const request of this.#requests.splice(0)) request.reject(error);
    this.#stream.destroy();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
