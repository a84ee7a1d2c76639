/**
 * What a session costs in the milter library alone, without sockets: CONNECT, HELO, MAIL, RCPT, ABORT, QUIT with the macros
 * and in the chunks in which Postfix sends them, through a `Session` whose wire records nothing but counts.
 * Run: `node bench/milter-session.ts [seconds]`. Prints microseconds of processor time per session and what that makes in
 * sessions per second, median of nine rounds. `node --cpu-prof bench/milter-session.ts` tells where they go.
 */
import { Command, ProtocolBit } from '../src/milter/constants.ts';
import { encodeConnect } from '../src/milter/event.ts';
import type { FilterOptions } from '../src/milter/filter.ts';
import { encodeFrame } from '../src/milter/frame-parser.ts';
import { planFilter } from '../src/milter/plan.ts';
import { Session, type SessionEnvironment, type Wire } from '../src/milter/session.ts';
import { encodeStrings } from '../src/milter/text.ts';
import { proceed, reply } from '../src/milter/verdict.ts';

const ROUNDS = 9;
const seconds = Number(process.argv[2] ?? 3);

const macros = (command: number, ...pairs: readonly string[]): Buffer =>
  encodeFrame(Command.macro, Buffer.of(command), encodeStrings(...pairs));

function offer(protocol: number): Buffer {
  const numbers = Buffer.alloc(12);
  numbers.writeUInt32BE(6, 0);
  numbers.writeUInt32BE(0x1ff, 4);
  numbers.writeUInt32BE(protocol, 8);
  return encodeFrame(Command.negotiate, numbers);
}

const connect = Buffer.concat([
  macros(
    Command.connect,
    'j',
    'mx.example.org',
    '{daemon_name}',
    'mx.example.org',
    'v',
    'Postfix 3.7.11',
    '_',
    'x [y]',
  ),
  encodeFrame(
    Command.connect,
    encodeConnect({ hostname: 'mail.example.net', peer: { family: 'ipv4', address: '203.0.113.7', port: 40123 } }),
  ),
]);
const helo = Buffer.concat([macros(Command.helo), encodeFrame(Command.helo, encodeStrings('mail.example.net'))]);
const mail = Buffer.concat([
  macros(Command.mail, '{mail_addr}', 'a@example.net', '{mail_host}', 'example.net', '{mail_mailer}', 'smtp'),
  encodeFrame(Command.mail, encodeStrings('<a@example.net>', 'SIZE=1000')),
]);
const rcpt = Buffer.concat([
  macros(Command.rcpt, '{rcpt_addr}', 'b@example.org', '{rcpt_host}', 'example.org', '{rcpt_mailer}', 'local'),
  encodeFrame(Command.rcpt, encodeStrings('<b@example.org>')),
]);
const end = Buffer.concat([encodeFrame(Command.abort), encodeFrame(Command.abort), encodeFrame(Command.quit)]);

const all = 0x1fffff;
const withReplies = all & ~(ProtocolBit.noReplyHelo | ProtocolBit.noReplyMail);
const shapes = {
  'HELO and MAIL without reply': [offer(all), connect, Buffer.concat([helo, mail, rcpt]), end],
  'a reply to each': [offer(withReplies), connect, helo, mail, rcpt, end],
};

const greylisted = reply(451, '4.7.1', 'Greylisting in action, please come back later (300 secs)');
let asked = 0;
const filter: FilterOptions<'addHeaders'> = {
  actions: ['addHeaders'],
  macros: { connect: ['j', 'v', '{daemon_name}'], mail: ['i', '{auth_authen}'], rcpt: ['i'], eom: ['i'] },
  connect: () => proceed,
  helo: { noReply: () => {} },
  mail: { noReply: () => {} },
  rcpt: (message, recipient) => {
    asked += message.macros.get('auth_authen') === undefined ? recipient.address.length : 0;
    return greylisted;
  },
  eom: () => proceed,
};

class CountingWire implements Wire {
  readonly full = false;
  bytes = 0;
  write(bytes: Uint8Array): void {
    this.bytes += bytes.length;
  }
  rest(): void {
    throw new Error('a session of this size has no rest');
  }
  close(): void {}
}

const plan = planFilter(filter as unknown as Parameters<typeof planFilter>[0]);
let serial = 0;
const environment: SessionEnvironment = {
  nextId: () => `bench-${(++serial).toString(36)}`,
  monotonic: () => performance.now(),
};

/** Microseconds per session: processor time, so that others on the machine count less. */
function round(chunks: readonly Buffer[], milliseconds: number): number {
  const start = process.cpuUsage();
  for (let sessions = 200; ; sessions += 200) {
    for (let count = 0; count < 200; count++) {
      const session = new Session(plan, new CountingWire(), environment);
      for (const chunk of chunks) session.receive(chunk);
    }
    const { user, system } = process.cpuUsage(start);
    if (user + system >= milliseconds * 1000) return (user + system) / sessions;
  }
}

for (const [name, chunks] of Object.entries(shapes)) {
  round(chunks, 300);
  const rounds = Array.from({ length: ROUNDS }, () => round(chunks, (seconds * 1000) / ROUNDS)).sort((a, b) => a - b);
  const median = rounds[ROUNDS >> 1] as number;
  process.stdout.write(
    `${name.padEnd(30)} ${median.toFixed(2)} us a session (${rounds[0]?.toFixed(2)} to ${rounds.at(-1)?.toFixed(2)}), ${Math.round(1e6 / median)} sessions/s\n`,
  );
}
if (asked === 0) throw new Error('the filter was never asked');
