import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

/** Runs `churn` in a process of its own, in which `peak(space)` takes note of a heap space; resolves to its largest size in MB. */
function peakOf(space: string, prelude: string, churn: string): number {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    ${prelude}
    let peak = 0;
    const look = () => {
      const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === '${space}');
      peak = Math.max(peak, space_size / 2 ** 20);
    };
    ${churn}
    look();
    console.log(peak);`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }));
}

const file = new URL('../../src/cli/heap.ts', import.meta.url).href;
const limited = `import { limitHeap } from ${JSON.stringify(file)}; limitHeap();`;

test('what is set aside for new objects stays small under load; without the limit it would not', () => {
  const churn = `
    const kept = [];
    for (let count = 0; count < 2_000_000; count++) kept[count % 50_000] = { count, self: [count, count] };`;
  const small = peakOf('new_space', limited, churn);
  assert.ok(small <= 8, `${small} MB`);
  assert.ok(peakOf('new_space', '', churn) > small);
});

test('objects that grow old and then are no longer used take less than they would without the limit', () => {
  const churn = `
    const kept = [];
    for (let round = 0; round < 400; round++) {
      for (let count = 0; count < 10_000; count++) {
        kept[(round * 10_000 + count) % 100_000] = { count, self: [count, count], text: 'x' + count };
      }
      look();
      await new Promise(resolve => setImmediate(resolve)); // V8 marks beside the program's work
    }`;
  const small = peakOf('old_space', limited, churn);
  const free = peakOf('old_space', '', churn);
  assert.ok(small < 0.8 * free, `${small} MB, without the limit ${free} MB`);
});
