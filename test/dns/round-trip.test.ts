import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RoundTrip } from '../../src/dns/round-trip.ts';

test('the wait stays within its bounds', () => {
  const trip = new RoundTrip();
  assert.equal(trip.smoothed, undefined);
  assert.equal(trip.wait, 400);
  trip.sample(1);
  assert.equal(trip.wait, 200);
  for (let i = 0; i < 50; i++) trip.sample(5_000);
  assert.equal(trip.wait, 800);
});

test('the estimate follows RFC 6298', () => {
  const trip = new RoundTrip();
  trip.sample(100); // deviation 50
  assert.equal(trip.wait, 300);
  trip.sample(180); // deviation 50 + (80 − 50) / 4, mean 100 + 80 / 8
  assert.equal(trip.smoothed, 110);
  assert.equal(trip.wait, 110 + 4 * 57.5);
});
