import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadZones } from '../../src/dnsbl/dead-zones.ts';
import { deadZoneMessage, zoneList } from '../../src/dnsbl/zone-list.ts';

test('entries for one list become one zone with all filters, in the place of the first', () => {
  const { zones } = zoneList([
    'zen.spamhaus.org=127.0.0.[2..3]*3',
    'bl.example.org',
    'ZEN.spamhaus.org.=127.0.0.[10;11]*1',
  ]);
  assert.deepEqual(
    zones.map(({ name, rules }) => [name, rules.map(({ filter, weight }) => `${filter?.text}*${weight}`)]),
    [
      ['zen.spamhaus.org', ['127.0.0.[2..3]*3', '127.0.0.[10;11]*1']],
      ['bl.example.org', ['undefined*1']],
    ],
  );
});

test('entries for one list that contradict each other are refused', () => {
  assert.throws(() => zoneList(['bl.test', 'bl.test']), /zone "bl\.test": given several times, twice without a filter/);
  assert.throws(() => zoneList(['bl.test', { zone: 'bl.test=127.0.0.2', code: 451 }]), /with different code/);
  assert.throws(() => zoneList(['bl.test', { zone: 'bl.test=127.0.0.2', ipv6: true }]), /with different ipv6/);
});

test('a dead list is left out with its reason, at the domain and below it', () => {
  const { zones, dead } = zoneList(['dul.dnsbl.sorbs.net', 'bl.example.org', 'ix.dnsbl.manitu.net']);
  assert.deepEqual(
    zones.map(({ name }) => name),
    ['bl.example.org'],
  );
  assert.deepEqual(
    dead.map(({ zone, why }) => [zone.name, why.year]),
    [
      ['dul.dnsbl.sorbs.net', 2024],
      ['ix.dnsbl.manitu.net', 2025],
    ],
  );
  const [first] = dead;
  assert.ok(first);
  assert.equal(
    deadZoneMessage(first.zone, first.why),
    'DNSBL dul.dnsbl.sorbs.net is not asked: dead since 2024, SORBS was decommissioned by its owner and holds no data; ' +
      'write "dul.dnsbl.sorbs.net!" to ask it all the same',
  );
});

test('a dead list is asked if it is forced, and a name that only ends alike is not dead', () => {
  const { zones, dead } = zoneList(['dnsbl.sorbs.net!', 'notsorbs.net']);
  assert.deepEqual([zones.length, dead.length], [2, 0]);
});

test('the dead are lower-case domains with a year and a reason, each once', () => {
  assert.equal(new Set(deadZones.map(({ domain }) => domain)).size, deadZones.length);
  for (const { domain, year, reason } of deadZones) {
    assert.match(domain, /^[a-z0-9-]+(\.[a-z0-9-]+)+$/);
    assert.ok(year >= 2001 && year <= 2026, domain);
    assert.ok(reason.length > 10, domain);
  }
});
