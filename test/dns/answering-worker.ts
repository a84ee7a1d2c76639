/**
 * A DNS server in a thread of its own, so that it answers while the main thread is blocked. It counts queries and
 * replies in shared memory and posts its port.
 */
import { createSocket } from 'node:dgram';
import { parentPort, workerData } from 'node:worker_threads';
import { a, nameOf, replyTo } from '../support/dns-message.ts';

const count = new Int32Array(workerData as SharedArrayBuffer);
const socket = createSocket('udp4');
socket.on('message', (query, from) => {
  Atomics.add(count, 0, 1);
  const reply = replyTo(query, { answers: [a(nameOf(query), '127.0.0.2')] });
  socket.send(reply, from.port, from.address, () => Atomics.add(count, 1, 1));
});
socket.bind(0, '127.0.0.1', () => parentPort?.postMessage(socket.address().port));
