/**
 * The load: plays many MTAs at once towards one milter, each session on a connection of its own, as Postfix does: negotiation,
 * CONNECT, HELO, MAIL, one RCPT, ABORT, QUIT. Written for speed, on the wire format itself; run as a process of its own.
 *
 *     node bench/load.ts SOCKET CONNECTIONS SECONDS new|same [FIRST]
 *
 * Prints one line of JSON: sessions, seconds, errors, and percentiles of the RCPT round trip in microseconds. `new` makes every
 * session's triplet a new one; `same` repeats a thousand. FIRST numbers the sessions, so that runs don't repeat each other.
 */
import { connect } from 'node:net';

const [path, connections = '16', seconds = '5', kind = 'new', first = '0'] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: load.ts SOCKET CONNECTIONS SECONDS new|same [FIRST]');

const frame = (command: string, data: string): string => {
  const length = data.length + 1;
  return String.fromCharCode(0, 0, length >> 8, length & 0xff) + command + data;
};
const OFFER = Buffer.from(frame('O', '\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff'), 'latin1');
const GOODBYE = Buffer.from(frame('A', '') + frame('Q', ''), 'latin1');

let serial = Number(first);
let sessions = 0;
let errors = 0;
let running = true;
const times: number[] = [];

function sessionBytes(): { connect: Buffer; rest: Buffer } {
  const n = kind === 'same' ? serial++ % 1000 : serial++;
  const address = `198.${18 + ((n >> 16) & 1)}.${(n >> 8) & 255}.${n & 255}`;
  const connectText =
    frame('D', 'Cj\0mx.example.org\0{daemon_name}\0mx.example.org\0v\0Postfix 3.7.11\0_\0unknown\0') +
    frame('C', `mail.example.net\x004\x30\x39${address}\0`);
  const rest =
    frame('D', 'H') +
    frame('H', 'mail.example.net\0') +
    frame('D', `M{mail_addr}\0s${n}@sender.example\0{mail_host}\0sender.example\0{mail_mailer}\0smtp\0`) +
    frame('M', `<s${n}@sender.example>\0SIZE=1000\0`) +
    frame('D', `R{rcpt_addr}\0r${n}@rcpt.example\0{rcpt_host}\0rcpt.example\0{rcpt_mailer}\0local\0`) +
    frame('R', `<r${n}@rcpt.example>\0`);
  return { connect: Buffer.from(connectText, 'latin1'), rest: Buffer.from(rest, 'latin1') };
}

function session(): void {
  if (!running) return;
  const { connect: opening, rest } = sessionBytes();
  const socket = connect(path as string);
  let step = 0;
  let sent = 0;
  socket.write(OFFER);
  socket.on('data', () => {
    step += 1;
    if (step === 1) socket.write(opening);
    else if (step === 2) {
      sent = performance.now();
      socket.write(rest);
    } else {
      times.push(Math.round((performance.now() - sent) * 1000));
      sessions += 1;
      socket.end(GOODBYE);
    }
  });
  socket.on('error', () => {
    errors += 1;
  });
  socket.on('close', () => {
    if (step < 3 && running) errors += 1;
    session();
  });
}

const started = performance.now();
for (let open = 0; open < Number(connections); open++) session();
setTimeout(() => {
  running = false;
  const elapsed = (performance.now() - started) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
  const report = { sessions, seconds: elapsed, errors, p50: at(0.5), p99: at(0.99), p999: at(0.999) };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}, Number(seconds) * 1000);
