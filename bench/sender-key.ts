/**
 * What a sender's key costs, by what has to be taken out of the sender. Run: `node bench/sender-key.ts`. Prints nanoseconds a
 * key, median of nine rounds.
 */
import { senderKey } from '../src/greylist/sender-key.ts';

const senders = [
  'alice@example.net',
  'john.smith@example.net',
  'bounces+1234567-1a2b-joe=example.org@em.example.net',
  'prvs=0123abcdef=john@example.net',
  'SRS0=HHH=TT=example.com=john@example.net',
  'news-20261121-4711@example.net',
  'bounce-mc.us1_12345.67890-joe=example.org@mail.example.net',
  'list-return-4711-joe=example.org@example.net',
  '0100018f3c2ab7d1-5b0e7a3c-91d2-4c8e-8a55-3f1d2e4b6a7c-000000@eu.example.net',
];
const KEYS = 50_000;

function round(sender: string): number {
  const started = performance.now();
  for (let count = 0; count < KEYS; count++) senderKey(sender, 'joe@example.org');
  return ((performance.now() - started) * 1e6) / KEYS;
}

for (const sender of senders) {
  const rounds = Array.from({ length: 9 }, () => round(sender)).sort((a, b) => a - b);
  process.stdout.write(
    `${rounds[4]!.toFixed(0).padStart(6)} ns  ${sender} → ${senderKey(sender, 'joe@example.org')}\n`,
  );
}
