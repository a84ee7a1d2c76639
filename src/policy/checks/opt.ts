/**
 * `opt`: recipients who are not greylisted by their own wish, or because they never wished to be.
 */
import type { Check } from '../check.ts';
import type { OptList } from '../opt.ts';
import { questionOf } from '../question.ts';
import type { Accept } from '../verdict.ts';

const optedOut: Accept = { action: 'accept', reason: 'opted-out' };

/** @param side which formula the list is for: whom it holds for is `in`, that is greylisted, or `out`, that is spared */
export function optCheck(side: 'in' | 'out', list: OptList): Check {
  return {
    name: 'opt',
    canAccept: true,
    settles: () => undefined,
    run: envelope => (list.holds(questionOf(envelope).recipient) === (side === 'out') ? optedOut : undefined),
    subject: ({ recipient }) => `<${recipient}>, by opting ${side}`,
  };
}
