import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

/** Runs `churn` in a process of its own, in which `look()` takes note of a heap space's size. Returns the largest in MB. */
function sizeOf(space: string, prelude: string, churn: string): number {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    ${prelude}
    const sizes = [];
    const look = () => {
      const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === '${space}');
      sizes.push(space_size / 2 ** 20);
    };
    ${churn}
    console.log(Math.max(...sizes));`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }));
}

const file = new URL('../../src/cli/heap.ts', import.meta.url).href;
const limited = `import { limitHeap } from ${JSON.stringify(file)}; limitHeap();`;

test('what is set aside for new objects stays small under load; without the limit it would not', () => {
  const churn = `
    const kept = [];
    for (let count = 0; count < 2_000_000; count++) kept[count % 50_000] = { count, self: [count, count] };
    look();`;
  const small = sizeOf('new_space', limited, churn);
  assert.ok(small < 16, `${small} MB`);
  assert.ok(sizeOf('new_space', '', churn) > small);
});

test('objects that grow old and then are no longer used do not come to several times of what is', () => {
  // Some 25 MB are in use at a time. Without the limit it becomes 90.
  const churn = `
    const kept = [];
    for (let round = 0; round < 400; round++) {
      for (let count = 0; count < 10_000; count++) {
        kept[(round * 10_000 + count) % 100_000] = { count, self: [count, count], text: 'x' + count };
      }
      look();
      await new Promise(resolve => setImmediate(resolve)); // V8 marks beside the program's work
    }`;
  const size = sizeOf('old_space', limited, churn);
  assert.ok(size < 65, `${size} MB`);
});
