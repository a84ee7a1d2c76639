import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMailPattern } from '../../src/lists/pattern.ts';
import { optCheck } from '../../src/policy/checks/opt.ts';
import { checkException, OptList } from '../../src/policy/opt.ts';
import { noFiles } from './rules/support.ts';
import { benchOf, decide } from './support.ts';

const values = (texts: readonly string[]) => ({ values: texts.map(parseMailPattern), files: [] });

function greylisted(
  side: 'in' | 'out',
  recipients: readonly string[],
  except: readonly string[],
  recipient: string,
): Promise<boolean> {
  const list = new OptList({ recipients: values(recipients), except: values(except) }, noFiles);
  return decide(benchOf([optCheck(side, list)]).policy, { recipient }).then(verdict => {
    assert.ok(verdict === 'greylist new' || verdict === 'accept opted-out', verdict);
    return verdict === 'greylist new';
  });
}

/** Every row of sqlgrey's tables: is the domain listed, the address excepted, the address listed. */
for (const domain of [false, true]) {
  for (const excepted of [false, true]) {
    for (const address of [false, true]) {
      const holds = (domain && !excepted) || address;
      const recipients = [
        ...(domain ? ['@example.org'] : []),
        ...(address ? ['ann@example.org'] : []),
        'x@other.example',
      ];
      const except = excepted ? ['ann@example.org'] : [];
      test(`domain ${domain}, excepted ${excepted}, address ${address}: opting in greylists ${holds}, opting out spares ${holds}`, async () => {
        for (const recipient of ['ann@example.org', 'Ann+ext@Example.org']) {
          assert.equal(await greylisted('in', recipients, except, recipient), holds);
          assert.equal(await greylisted('out', recipients, except, recipient), !holds);
        }
      });
    }
  }
}

test('a local part in any domain counts as an address', async () => {
  assert.equal(await greylisted('in', ['ann@'], [], 'ann@anywhere.example'), true);
  assert.equal(await greylisted('out', ['@example.org'], ['ann@'], 'ann@example.org'), true);
});

test('a domain is no exception', () => {
  assert.throws(() => checkException(parseMailPattern('@example.org')), /expected an address such as/);
  assert.equal(checkException(parseMailPattern('ann@')), 'ann@');
});
