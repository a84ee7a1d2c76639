/**
 * One query over TCP (RFC 7766), for answers that don't fit a datagram. One connection a query: truncation is rare here. It
 * has no time limit of its own; whoever started it cancels it.
 */
import { createConnection } from 'node:net';
import { encodeQuery, type Question } from './question.ts';
import { repliesTo, TCP_SIZE } from './reply.ts';
import type { ServerAddress } from './servers.ts';

/** The message, or what went wrong. */
export type TcpOutcome = { readonly message: Buffer } | { readonly error: string };

/** Asks, and calls `done` once, later. The function returned withdraws the query: `done` is not called any more. */
export function tcpQuery(
  server: ServerAddress,
  question: Question,
  id: number,
  edns: boolean,
  done: (outcome: TcpOutcome) => void,
): () => void {
  const query = encodeQuery(question, id, edns);
  const frame = Buffer.allocUnsafe(2 + query.length);
  frame.writeUInt16BE(query.length, 0);
  frame.set(query, 2);

  let received: Buffer = Buffer.alloc(0);
  let ended = false;
  const socket = createConnection({ host: server.address, port: server.port, family: server.family });
  const end = (outcome: TcpOutcome): void => {
    if (ended) return;
    ended = true;
    socket.destroy();
    done(outcome);
  };
  socket.on('error', error => end({ error: (error as NodeJS.ErrnoException).code ?? error.message }));
  socket.on('close', () => end({ error: 'closed before the reply was complete' }));
  socket.on('data', chunk => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    if (received.length < 2) return;
    const size = received.readUInt16BE(0);
    if (size > TCP_SIZE) return end({ error: `a reply of ${size} bytes, at most ${TCP_SIZE}` });
    if (received.length < 2 + size) return;
    const message = received.subarray(2, 2 + size);
    const ours = size >= 2 && message.readUInt16BE(0) === id && repliesTo(message, question);
    end(ours ? { message } : { error: 'a reply to another question' });
  });
  socket.write(frame);
  return () => {
    ended = true;
    socket.destroy();
  };
}
