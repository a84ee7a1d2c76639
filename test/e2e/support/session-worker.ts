/**
 * Sessions without end, in a thread of their own: several connections at a time, two messages each. Every answer is held against
 * what it must be, whatever configuration is in force; which configuration a message was judged by is told to the test, at once when it
 * is another than the one before.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { connectMilter, type MilterClient } from '../../../src/milter/client.ts';
import type { MilterReply } from '../../../src/milter/client-reply.ts';
import { PATIENCE } from '../../support/bell.ts';

export interface SessionWork {
  readonly socket: string;
  readonly connections: number;
  /** Keeps the recipients of several workers apart. */
  readonly name: string;
}

/** One message. Times are milliseconds since the epoch, with fractions. */
export interface Judged {
  /** The configuration that its reject named. */
  readonly version: number;
  /** Before MAIL, and after the last recipient's answer. */
  readonly begun: number;
  readonly ended: number;
}

/** Told while it goes on: messages are judged by this configuration now. */
export interface SessionNews {
  readonly version: number;
}

/** Told last. */
export interface SessionResults {
  readonly sessions: number;
  readonly messages: readonly Judged[];
  /** What was not as it must be. */
  readonly faults: readonly string[];
}

const { socket, connections, name } = workerData as SessionWork;
const messages: Judged[] = [];
const faults: string[] = [];
let sessions = 0;
let told = 0;
let stopping = false;
parentPort?.once('message', () => {
  stopping = true;
});

const now = (): number => performance.timeOrigin + performance.now();

function expect(what: string, reply: MilterReply, shape: RegExp): string {
  const text = reply.kind === 'reply' ? reply.text : reply.kind;
  if (!shape.test(text)) faults.push(`${what}: ${text}`);
  return text;
}

async function message(client: MilterClient, id: string): Promise<void> {
  const begun = now();
  await client.mail(['<sender@example.net>'], { i: id });
  const rcpt = async (recipient: string, shape: RegExp): Promise<string> =>
    expect(recipient, await client.rcpt([`<${recipient}@example.org>`], { i: id }), shape);
  const first = await rcpt('versioned', /^554 5\.7\.1 version \d+$/);
  await rcpt('known', /^proceed$/);
  await rcpt('white', /^proceed$/);
  await rcpt(`new-${id}`, /^451 4\.7\.1 Greylisting in action, /);
  const second = await rcpt('versioned-too', /^554 5\.7\.1 version \d+$/);
  if (first !== second) faults.push(`one message, two configurations: ${first}, ${second}`);
  const version = Number(/\d+$/.exec(first)?.[0]);
  messages.push({ version, begun, ended: now() });
  if (version !== told) parentPort?.postMessage({ version } satisfies SessionNews);
  told = version;
  const { reply } = await client.endOfMessage({ i: id });
  expect('end of message', reply, /^(proceed|accept)$/);
}

async function session(): Promise<void> {
  const id = `${name}-${sessions++}`;
  const client = await connectMilter(socket, { timeout: PATIENCE });
  await client.negotiate();
  const peer = { family: 'ipv4', address: '203.0.113.7', port: 25_000 } as const;
  await client.connect({ hostname: 'mail.example.net', peer }, { j: 'mx.example.org', '{daemon_name}': 'mx' });
  await client.helo('mail.example.net');
  await message(client, `${id}-a`);
  await message(client, `${id}-b`);
  client.quit();
}

async function loop(): Promise<void> {
  while (!stopping) {
    try {
      await session();
    } catch (error) {
      faults.push(`session: ${String(error)}`);
    }
  }
}

await Promise.all(Array.from({ length: connections }, loop));
parentPort?.postMessage({ sessions, messages, faults } satisfies SessionResults);
