/**
 * A reporter for `node --test`: what the `spec` reporter prints, with the skipped tests (and those marked as to do) listed
 * by name and reason before the closing figures. Under `CI=true` such a test is a failure: everything is installed there. The last
 * words are the names of what has failed, so that they are found at the end of a long log.
 */
import { relative } from 'node:path';
import { Readable } from 'node:stream';
import { spec } from 'node:test/reporters';

const strict = process.env.CI === 'true';

export default async function* report(events) {
  const failed = [];
  yield* Readable.from(withSkipped(events, failed)).compose(new spec());
  if (failed.length > 0) yield `\nFailed (${failed.length}):\n${failed.join('')}`;
}

async function* withSkipped(events, failed) {
  const skipped = [];
  let told = false;
  for await (const event of events) {
    const { data } = event;
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const reason = data.skip ?? data.todo;
      if (reason !== undefined && reason !== false) {
        const why = typeof reason === 'string' ? `: ${reason}` : '';
        skipped.push(`  ${data.name} (${relative(process.cwd(), data.file ?? '')})${why}\n`);
      }
    }
    // A suite, or a file, that fails because a test in it did says nothing new.
    if (event.type === 'test:fail' && data.details.error?.failureType !== 'subtestsFailed') {
      const { duration_ms: took, error } = data.details;
      const [why] = String(error?.cause?.message ?? error?.message).split('\n');
      failed.push(
        `  ${data.name} (${relative(process.cwd(), data.file ?? '')}:${data.line}, ${Math.round(took)} ms): ${why}\n`,
      );
    }
    if (!told && event.type === 'test:diagnostic' && data.nesting === 0 && /^tests \d+$/.test(data.message)) {
      told = true;
      if (skipped.length > 0) {
        const verdict = strict ? 'Skipped or to do, which CI=true does not allow' : 'Skipped or to do';
        yield { type: 'test:stdout', data: { message: `\n${verdict} (${skipped.length}):\n${skipped.join('')}\n` } };
        if (strict) process.exitCode = 1;
      }
    }
    yield event;
  }
}
