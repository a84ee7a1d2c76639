/**
 * Truth with a third value: undefined is what could not be found out. What is false without it stays false, what is true
 * without it stays true, and nothing else is known (Kleene's logic).
 */
import type { Session } from '../envelope.ts';
import type { Question } from '../question.ts';
import type { Evidence } from './evidence.ts';

export type Truth = boolean | undefined;

/** One compiled condition. */
export interface Test {
  /** What it costs, for the order: 0 compares, 1 tries regular expressions, 2 may have to wait. */
  readonly cost: 0 | 1 | 2;
  holds(question: Question, evidence: Evidence): Truth | Promise<Truth>;
  /** The same by the client's address alone; undefined: it depends. */
  settles(session: Session): Truth;
}

const depends = (): Truth => undefined;

/** A test that the client's address says nothing about. */
export function testOf(cost: Test['cost'], holds: Test['holds']): Test {
  return { cost, holds, settles: depends };
}

/** Whether all hold; asks the cheap ones first and none behind one that is false. */
export function allOf(tests: readonly Test[]): Test {
  const [only] = tests;
  if (only !== undefined && tests.length === 1) return only;
  const order = tests.toSorted((one, other) => one.cost - other.cost);
  const from = (at: number, sofar: Truth, question: Question, evidence: Evidence): Truth | Promise<Truth> => {
    let all = sofar;
    for (let index = at; index < order.length; index++) {
      const truth = (order[index] as Test).holds(question, evidence);
      if (typeof truth === 'object') {
        return truth.then(late => (late === false ? false : from(index + 1, and(all, late), question, evidence)));
      }
      if (truth === false) return false;
      all = and(all, truth);
    }
    return all;
  };
  return {
    cost: order.at(-1)?.cost ?? 0,
    holds: (question, evidence) => from(0, true, question, evidence),
    settles(session) {
      let all: Truth = true;
      for (const test of order) {
        const truth = test.settles(session);
        if (truth === false) return false;
        all = and(all, truth);
      }
      return all;
    },
  };
}

export function noneOf(test: Test): Test {
  return {
    cost: test.cost,
    holds(question, evidence) {
      const truth = test.holds(question, evidence);
      return typeof truth === 'object' ? truth.then(not) : not(truth);
    },
    settles: session => not(test.settles(session)),
  };
}

function and(one: Truth, other: Truth): Truth {
  return one === false || other === false ? false : one === undefined ? one : other;
}

function not(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}
