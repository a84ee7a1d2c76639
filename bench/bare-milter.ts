/**
 * The yardstick: a milter in bare Node that parses nothing it need not and answers every RCPT with a constant 451. What a daemon
 * adds to this is what its work costs; nothing in JavaScript can be faster.
 *
 *     node bench/bare-milter.ts PATH_OF_SOCKET
 */
import { createServer } from 'node:net';

const CONTINUE = Buffer.from('\0\0\0\x01c', 'latin1');
const TEXT = '451 4.7.1 Greylisting in action, please come back later (300 secs)\0';
const REPLY = Buffer.from(`\0\0\0${String.fromCharCode(TEXT.length + 1)}y${TEXT}`, 'latin1');
const NOTHING_BUT_ENVELOPE = 0x100 | 0x200 | 0x20 | 0x40 | 0x10; // NOUNKNOWN NODATA NOHDRS NOEOH NOBODY
const NO_REPLY = 0x2000 | 0x4000; // NR_HELO NR_MAIL

const path = process.argv[2];
if (path === undefined) throw new Error('usage: bare-milter.ts PATH_OF_SOCKET');

createServer(socket => {
  let rest = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    let buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const answers: Buffer[] = [];
    while (buffer.length >= 4 && buffer.length >= 4 + buffer.readUInt32BE(0)) {
      const end = 4 + buffer.readUInt32BE(0);
      const command = String.fromCharCode(buffer[4] as number);
      if (command === 'Q') {
        socket.destroy();
        return;
      }
      if (command === 'O') {
        const answer = Buffer.from(buffer.subarray(0, 17));
        answer.writeUInt32BE(13, 0);
        answer.writeUInt32BE(1, 9);
        answer.writeUInt32BE((NOTHING_BUT_ENVELOPE | NO_REPLY) & buffer.readUInt32BE(13), 13);
        answers.push(answer);
      }
      if (command === 'C') answers.push(CONTINUE);
      if (command === 'R') answers.push(REPLY);
      buffer = buffer.subarray(end);
    }
    rest = Buffer.from(buffer);
    if (answers.length > 0) socket.write(answers.length === 1 ? (answers[0] as Buffer) : Buffer.concat(answers));
  });
}).listen(path, () => process.stdout.write('listening\n'));
