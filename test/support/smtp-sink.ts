/**
 * Where accepted mail ends up: a server that takes every message and keeps it, so that tests can read the headers it arrived
 * with. It speaks as much SMTP (RFC 5321), and LMTP (RFC 2033), as an MTA needs to deliver, over TCP or a unix socket.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { Bell, PATIENCE } from './bell.ts';
import type { Owner } from './temp-dir.ts';

export interface SunkMessage {
  /** As in MAIL FROM, without brackets. */
  readonly sender: string;
  readonly recipients: readonly string[];
  /** The message as it came, with line feeds. */
  readonly text: string;
}

/** The values of a message's headers of this name, top first, unfolded. */
export function headers(message: SunkMessage, name: string): readonly string[] {
  const head = message.text.slice(0, `${message.text}\n\n`.indexOf('\n\n')).replace(/\n[ \t]+/g, ' ');
  const prefix = `${name.toLowerCase()}:`;
  return head
    .split('\n')
    .filter(line => line.toLowerCase().startsWith(prefix))
    .map(line => line.slice(prefix.length).trim());
}

export class SmtpSink {
  readonly messages: SunkMessage[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #arrival = new Bell();

  private constructor() {
    this.#server = createServer(socket => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
      this.#converse(socket).catch(error => socket.destroy(error));
    });
  }

  /** Opens a sink for an owner: on a unix socket that everyone may write to, or on a TCP port of 127.0.0.1. */
  static async open(owner: Owner, path?: string): Promise<SmtpSink> {
    const sink = new SmtpSink();
    owner.after(() => sink.#close());
    if (path === undefined) sink.#server.listen(0, '127.0.0.1');
    else sink.#server.listen({ path, writableAll: true, readableAll: true });
    await once(sink.#server, 'listening');
    return sink;
  }

  /** The TCP port. */
  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the sink has no port');
    return address.port;
  }

  /** The first message that fits, also one that came before; rejects after `timeout` milliseconds. */
  async message(fits: (message: SunkMessage) => boolean = () => true, timeout = PATIENCE): Promise<SunkMessage> {
    const found = await this.#arrival.until(() => this.messages.find(fits), timeout);
    if (found) return found;
    throw new Error(`no such message within ${timeout} ms; there are ${JSON.stringify(this.messages)}`);
  }

  async #converse(socket: Socket): Promise<void> {
    const say = (line: string) => socket.write(`${line}\r\n`);
    let lmtp = false;
    let sender = '';
    let recipients: string[] = [];
    let text: string[] | undefined;
    say('220 sink.example.net ready');
    const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on('error', () => {}); // it passes on the socket's, also after the conversation
    for await (const line of lines) {
      if (text) {
        if (line !== '.') {
          text.push(line.startsWith('.') ? line.slice(1) : line);
          continue;
        }
        this.#take({ sender, recipients, text: text.map(each => `${each}\n`).join('') });
        for (const _ of lmtp ? recipients : [1]) say('250 2.0.0 taken');
        text = undefined;
        recipients = [];
        continue;
      }
      const path = /<([^>]*)>/.exec(line)?.[1] ?? '';
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === 'QUIT') {
        socket.end('221 2.0.0 bye\r\n');
        return;
      }
      if (verb === 'LHLO') lmtp = true;
      if (verb === 'MAIL') [sender, recipients] = [path, []];
      if (verb === 'RCPT') recipients.push(path);
      if (verb === 'DATA') text = [];
      say(verb === 'DATA' ? '354 go on' : '250 sink.example.net fine');
    }
  }

  #take(message: SunkMessage): void {
    this.messages.push(message);
    this.#arrival.ring();
  }

  async #close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
