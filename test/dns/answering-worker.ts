/**
 * A DNS server in a thread of its own, so that it answers while the main thread is blocked. It counts queries and
 * replies in shared memory and posts its port. Those for `warm.…` don't count: on a busy machine one of them may be asked twice,
 * the second time long after its answer.
 */
import { createSocket } from 'node:dgram';
import { parentPort, workerData } from 'node:worker_threads';
import { a, nameOf, replyTo } from '../support/dns-message.ts';

const count = new Int32Array(workerData as SharedArrayBuffer);
const socket = createSocket('udp4');
socket.on('message', (query, from) => {
  const counts = nameOf(query).startsWith('warm.') ? 0 : 1;
  Atomics.add(count, 0, counts);
  const reply = replyTo(query, { answers: [a(nameOf(query), '127.0.0.2')] });
  socket.send(reply, from.port, from.address, () => Atomics.add(count, 1, counts));
});
socket.bind(0, '127.0.0.1', () => parentPort?.postMessage(socket.address().port));
