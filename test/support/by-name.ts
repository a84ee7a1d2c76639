/**
 * For `node --import`: what a program imports from this package by its name comes from the sources, so that examples run as
 * they stand and without a build. That the names lead to the built files of the package is seen by `test/package.ts`.
 */
import { registerHooks } from 'node:module';

const sources: Readonly<Record<string, string>> = {
  'milter-greylist': '../../src/index.ts',
  'milter-greylist/milter': '../../src/milter/index.ts',
};

registerHooks({
  resolve(specifier, context, nextResolve) {
    const source = sources[specifier];
    return nextResolve(source === undefined ? specifier : new URL(source, import.meta.url).href, context);
  },
});
