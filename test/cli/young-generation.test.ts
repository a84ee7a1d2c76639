import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

/** Megabytes set aside for new objects after many were made of which some lived on, in a process of its own. */
function youngAfterChurn(prelude: string): number {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    ${prelude}
    const kept = [];
    for (let count = 0; count < 2_000_000; count++) kept[count % 50_000] = { count, self: [count, count] };
    console.log(getHeapSpaceStatistics().find(space => space.space_name === 'new_space').space_size / 2 ** 20);`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }));
}

test('what is set aside for new objects stays small under load; without the limit it would not', () => {
  const file = new URL('../../src/cli/young-generation.ts', import.meta.url).href;
  const limited = youngAfterChurn(
    `import { limitYoungGeneration } from ${JSON.stringify(file)}; limitYoungGeneration();`,
  );
  assert.ok(limited <= 8, `${limited} MB`);
  assert.ok(youngAfterChurn('') > limited);
});
