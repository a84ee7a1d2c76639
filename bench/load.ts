/**
 * The load: plays many MTAs at once towards one milter, each session on a connection of its own, as Postfix does: negotiation,
 * CONNECT, HELO, MAIL, one RCPT, ABORT, QUIT. Written for speed, on the wire format itself; run as a process of its own by
 * `run-load.ts`, which says what the options and the figures are. Options come as JSON, the figures go to standard output.
 *
 * Closed loop: each connection begins its next session when one has ended. Open loop (`rate`): sessions are due at fixed times
 * whether or not the milter keeps up, and times count from then.
 */
import { connect } from 'node:net';
import type { Figures, LoadOptions } from './run-load.ts';
import { cpuTime, residentBytes } from './server.ts';

const {
  socket,
  connections,
  seconds = 0,
  warmUp = 0,
  sessions: most,
  seed,
  span,
  rate,
  pid,
} = JSON.parse(process.argv[2] ?? '{}') as LoadOptions;

const frame = (command: string, data: string): string => {
  const length = data.length + 1;
  return String.fromCharCode(0, 0, length >> 8, length & 0xff) + command + data;
};
const OFFER = Buffer.from(frame('O', '\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff'), 'latin1');
const GOODBYE = Buffer.from(frame('A', '') + frame('Q', ''), 'latin1');
const ANSWERS = 3;

let begun = 0;
let ended = 0;
let errors = 0;
let open = 0;
let counting = warmUp === 0;
let running = true;
let times: number[] = [];

function sessionBytes(): { opening: Buffer; rest: Buffer } {
  const n = begun++ % span;
  const address = `198.${18 + ((n >> 16) & 1)}.${(n >> 8) & 255}.${n & 255}`;
  const who = `${seed}-${n}`;
  const opening =
    frame('D', 'Cj\0mx.example.org\0{daemon_name}\0mx.example.org\0v\0Postfix 3.7.11\0_\0unknown\0') +
    frame('C', `mail.example.net\x004\x30\x39${address}\0`);
  const rest =
    frame('D', 'H') +
    frame('H', 'mail.example.net\0') +
    frame('D', `M{mail_addr}\0s${who}@sender.example\0{mail_host}\0sender.example\0{mail_mailer}\0smtp\0`) +
    frame('M', `<s${who}@sender.example>\0SIZE=1000\0`) +
    frame('D', `R{rcpt_addr}\0r${who}@rcpt.example\0{rcpt_host}\0rcpt.example\0{rcpt_mailer}\0local\0`) +
    frame('R', `<r${who}@rcpt.example>\0`);
  return { opening: Buffer.from(opening, 'latin1'), rest: Buffer.from(rest, 'latin1') };
}

/** @param due when it should have begun; undefined in closed loop, where the time counts from the RCPT. */
function session(due?: number): void {
  const { opening, rest } = sessionBytes();
  const stream = connect(socket);
  let step = 0;
  let sent = due ?? 0;
  open++;
  stream.write(OFFER);
  stream.on('data', () => {
    step++;
    if (step === 1) stream.write(opening);
    else if (step === 2) {
      sent = due ?? performance.now();
      stream.write(rest);
    } else {
      if (counting) times.push(performance.now() - sent);
      stream.end(GOODBYE);
    }
  });
  stream.on('error', () => {});
  stream.on('close', () => {
    open--;
    ended++;
    if (step < ANSWERS && running) errors++;
    if (most !== undefined && ended >= most) finish();
    else if (rate === undefined && running && (most === undefined || begun < most)) session();
  });
}

const started = performance.now();
let countedFrom = started;
let cpuBefore = counting && pid !== undefined ? cpuTime(pid) : 0;

if (rate === undefined) {
  for (let count = 0; count < connections && (most === undefined || count < most); count++) session();
} else {
  let due = 0;
  // A timer would come a millisecond late.
  const begin = (): void => {
    for (; open < connections && started + (due * 1_000) / rate <= performance.now(); due++) {
      session(started + (due * 1_000) / rate);
    }
    if (running) setImmediate(begin);
  };
  begin();
}
if (most === undefined) {
  setTimeout(() => {
    counting = true;
    countedFrom = performance.now();
    times = [];
    if (pid !== undefined) cpuBefore = cpuTime(pid);
    setTimeout(finish, seconds * 1_000);
  }, warmUp * 1_000);
}

function finish(): void {
  if (!running) return;
  running = false;
  const cpu = pid === undefined ? 0 : cpuTime(pid) - cpuBefore;
  const rateSeen = times.length / ((performance.now() - countedFrom) / 1_000);
  times.sort((one, other) => one - other);
  const at = (share: number): number =>
    Math.round(1_000 * (times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? Number.NaN));
  const figures: Figures = {
    rate: rateSeen,
    errors,
    cpu: cpu / times.length,
    resident: pid === undefined ? 0 : residentBytes(pid),
    p50: at(0.5),
    p99: at(0.99),
    p999: at(0.999),
    max: at(1),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
}
