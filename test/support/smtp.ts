/**
 * An SMTP client that does what it is told, line by line, and gives the replies as values (RFC 5321; XCLIENT as in Postfix's
 * XCLIENT_README). It speaks over TCP, or over any stream, such as a child's that stands in another network.
 */
import { connect as connectSocket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { PATIENCE } from './bell.ts';
import type { Owner } from './temp-dir.ts';

export interface SmtpReply {
  readonly code: number;
  /** The enhanced code (RFC 3463), or an empty string. */
  readonly enhanced: string;
  /** The text of all lines behind the codes, joined by line feeds. */
  readonly text: string;
}

export interface SmtpTarget {
  readonly port: number;
  readonly host?: string;
  /** The address to come from, such as 127.0.0.5. */
  readonly localAddress?: string;
}

/** Who an XCLIENT pretends to be. Left out is left as it is. */
export interface XclientAttributes {
  /** An IPv4 or IPv6 address as text. */
  readonly address?: string;
  readonly name?: string;
  readonly port?: number;
  readonly login?: string;
}

export class SmtpClient {
  readonly #stream: Duplex;
  readonly #lines: AsyncIterator<string>;
  readonly #timeout: number;

  /** Over an open stream; `timeout` milliseconds are the limit for each reply. */
  constructor(stream: Duplex, timeout = PATIENCE) {
    this.#stream = stream;
    this.#timeout = timeout;
    const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
    for (const source of [stream, lines]) source.on('error', () => {}); // shows as the end of the lines
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Connects for an owner, reads the banner and throws unless it is a 220. */
  static async connect(owner: Owner, target: SmtpTarget): Promise<SmtpClient> {
    const { port, host = '127.0.0.1', localAddress } = target;
    const client = new SmtpClient(connectSocket({ port, host, ...(localAddress ? { localAddress } : {}) }));
    owner.after(() => client.close());
    await client.expect(220);
    return client;
  }

  /** Sends one line, without its line break, and resolves to the reply. */
  async send(line: string): Promise<SmtpReply> {
    this.#stream.write(`${line}\r\n`);
    return this.reply();
  }

  /** Sends lines in one write, then reads as many replies, in order (RFC 2920). */
  async pipeline(...lines: readonly string[]): Promise<readonly SmtpReply[]> {
    this.#stream.write(lines.map(line => `${line}\r\n`).join(''));
    const replies: SmtpReply[] = [];
    for (const _ of lines) replies.push(await this.reply());
    return replies;
  }

  /** Reads the next reply: all its lines. Rejects if the peer closes or stays silent. */
  async reply(): Promise<SmtpReply> {
    const texts: string[] = [];
    let enhanced = '';
    for (;;) {
      const line = await this.#line();
      const match = /^(\d{3})([- ])(?:([245]\.\d{1,3}\.\d{1,3})(?: |$))?(.*)$/s.exec(line);
      if (!match) throw new Error(`not an SMTP reply: ${JSON.stringify(line)}`);
      texts.push(match[4] ?? '');
      enhanced ||= match[3] ?? '';
      if (match[2] === ' ') return { code: Number(match[1]), enhanced, text: texts.join('\n') };
    }
  }

  /** Reads a reply, or sends a line first, and throws unless it has this code. */
  async expect(code: number, line?: string): Promise<SmtpReply> {
    const reply = line === undefined ? await this.reply() : await this.send(line);
    if (reply.code !== code) throw new Error(`${line ?? 'banner'}: expected ${code}, got ${showReply(reply)}`);
    return reply;
  }

  ehlo(name = 'sender.example.net'): Promise<SmtpReply> {
    return this.expect(250, `EHLO ${name}`);
  }

  /** Pretends to be someone else, and greets again as the protocol wants. */
  async xclient(attributes: XclientAttributes, helo?: string): Promise<void> {
    const { address, name, port, login } = attributes;
    const words = Object.entries({
      ADDR: address?.includes(':') ? `IPV6:${address}` : address,
      NAME: name ?? (address === undefined ? undefined : '[UNAVAILABLE]'),
      PORT: port?.toString(),
      LOGIN: login,
    });
    const given = words.filter(([, value]) => value !== undefined).map(([word, value]) => `${word}=${value}`);
    await this.ehlo('xclient.example.net');
    await this.expect(220, `XCLIENT ${given.join(' ')}`);
    await this.ehlo(helo);
  }

  mail(sender: string, parameters = ''): Promise<SmtpReply> {
    return this.send(`MAIL FROM:<${sender}>${parameters && ` ${parameters}`}`);
  }

  rcpt(recipient: string): Promise<SmtpReply> {
    return this.send(`RCPT TO:<${recipient}>`);
  }

  /** DATA and the message, whose line breaks become CRLF and whose leading dots are doubled; the last reply. */
  async data(message = 'Subject: test\n\nHello.\n'): Promise<SmtpReply> {
    const go = await this.send('DATA');
    if (go.code !== 354) return go;
    const text = message.replace(/\r?\n/g, '\r\n').replace(/^\./gm, '..');
    return this.send(`${text.endsWith('\r\n') || text === '' ? text : `${text}\r\n`}.`);
  }

  async quit(): Promise<SmtpReply> {
    const reply = await this.send('QUIT');
    this.close();
    return reply;
  }

  close(): void {
    this.#stream.destroy();
  }

  async #line(): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no reply within ${this.#timeout} ms`)), this.#timeout);
    });
    try {
      const next = await Promise.race([this.#lines.next(), silence]);
      if (next.done) throw new Error('the peer has closed the connection');
      return next.value;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A reply as it stood on the wire, for messages: `451 4.7.1 Greylisting in action`. */
export function showReply({ code, enhanced, text }: SmtpReply): string {
  return [code, enhanced, text].filter(part => part !== '').join(' ');
}

/** The outcome of one message: the reply to each step that was taken. */
export interface Delivery {
  readonly mail: SmtpReply;
  /** One for each recipient, in order. */
  readonly rcpt: readonly SmtpReply[];
  /** The reply to the message, if any recipient was accepted. */
  readonly data?: SmtpReply;
}

/** One message over a greeted client: MAIL, each RCPT, and DATA if one was accepted. Nothing is thrown for a refusal. */
export async function deliver(
  client: SmtpClient,
  message: { readonly from: string; readonly to: readonly string[]; readonly text?: string },
): Promise<Delivery> {
  const mail = await client.mail(message.from);
  const rcpt: SmtpReply[] = [];
  for (const recipient of message.to) rcpt.push(await client.rcpt(recipient));
  if (!rcpt.some(({ code }) => code === 250)) return { mail, rcpt };
  return { mail, rcpt, data: await client.data(message.text) };
}
