import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { type TestContext, test } from 'node:test';
import { type ServeOptions, serve } from '../../src/cli/serve.ts';
import { DEFAULTS } from '../../src/config/config.ts';
import type { Daemon } from '../../src/daemon.ts';
import { StoreError } from '../../src/greylist/store.ts';
import { createLog } from '../../src/log/log.ts';
import { FixedClock } from '../support/fixed-clock.ts';
import { FixedTimers, settle } from '../support/fixed-timers.ts';

/** Serves with a daemon whose every step the test takes itself. */
class Rig extends EventEmitter {
  readonly steps: string[] = [];
  readonly started = Promise.withResolvers<void>();
  readonly stopped = Promise.withResolvers<void>();
  reloads: PromiseWithResolvers<void>[] = [];
  exits: number[] = [];
  printed = '';
  #log = '';
  readonly #timers: FixedTimers;
  readonly code: Promise<number>;

  constructor() {
    super();
    const clock = new FixedClock();
    this.#timers = new FixedTimers(clock);
    const log = createLog({
      logFormat: 'postgrey',
      verbosity: 0,
      journal: false,
      clock,
      timers: this.#timers,
      write: bytes => {
        this.#log += Buffer.from(bytes).toString();
        return bytes.length;
      },
    });
    const daemon: Daemon = {
      listening: ['inet:8892@127.0.0.1'],
      database: '/var/lib/milter-greylist/greylist.db',
      reload: () => {
        this.steps.push('reload');
        const reload = Promise.withResolvers<void>();
        this.reloads.push(reload);
        return reload.promise;
      },
      stop: () => {
        this.steps.push('stop');
        return this.stopped.promise;
      },
    };
    const options: ServeOptions = {
      process: Object.assign(this, { exit: (code: number) => void this.exits.push(code) }) as ServeOptions['process'],
      start: async () => {
        this.steps.push(`start with ${this.listenerCount('SIGHUP')} handler of SIGHUP`);
        await this.started.promise;
        return daemon;
      },
      reread: () => DEFAULTS,
      log,
      identity: { socketGid: undefined, dropPrivileges: () => {} },
      print: text => {
        this.printed += text;
      },
    };
    this.code = serve(DEFAULTS, options);
  }

  /** The log's lines so far. */
  async log(): Promise<string[]> {
    // Lines that follow each other closely are written together, a little later.
    await this.#timers.advance(1_000);
    return this.#log.split('\n').slice(0, -1);
  }
}

async function up(): Promise<Rig> {
  const rig = new Rig();
  rig.started.resolve();
  await settle();
  return rig;
}

test('handlers are there before anything else; then it says where it is and what to configure', async () => {
  const rig = await up();
  assert.deepEqual(rig.steps, ['start with 1 handler of SIGHUP']);
  assert.match(rig.printed, /inet:8892@127\.0\.0\.1/);
  assert.match(rig.printed, /\/var\/lib\/milter-greylist\/greylist\.db/);
  assert.deepEqual(await rig.log(), [
    'level=info msg=started listening=inet:8892@127.0.0.1 database=/var/lib/milter-greylist/greylist.db',
  ]);
});

test('SIGHUP reloads; what is wrong is told, line by line, and the daemon goes on', async () => {
  const rig = await up();
  rig.emit('SIGHUP');
  rig.reloads[0]?.resolve();
  await settle();
  rig.emit('SIGHUP');
  rig.reloads[1]?.reject(Object.assign(new StoreError('a\nb'), {}));
  assert.deepEqual((await rig.log()).slice(1), [
    'level=info msg=reloaded',
    'level=error msg="not reloaded" error=a',
    'level=error msg="not reloaded" error=b',
    'level=error msg="everything stays as it was"',
  ]);
  assert.deepEqual(rig.exits, []);
});

test('what a reload finds wrong is told without keys of blocklists, as at the start', async () => {
  const rig = await up();
  rig.emit('SIGHUP');
  rig.reloads[0]?.reject(new StoreError("file:4:8: 'abcdefghij0123456789abcdef: x': expected quotes"));
  assert.match((await rig.log())[1] ?? '', /file:4:8: '\*\*\*: x': expected quotes/);
});

test('a storm of SIGHUPs is one reload under way and one more', async () => {
  const rig = await up();
  for (let count = 0; count < 1_000; count++) rig.emit('SIGHUP');
  assert.equal(rig.reloads.length, 1);
  rig.reloads[0]?.resolve();
  await settle();
  assert.equal(rig.reloads.length, 2);
  rig.reloads[1]?.resolve();
  await settle();
  assert.equal(rig.reloads.length, 2);
});

test('a SIGHUP that comes during the start is obeyed after it', async () => {
  const rig = new Rig();
  rig.emit('SIGHUP');
  await settle();
  assert.equal(rig.reloads.length, 0);
  rig.started.resolve();
  await settle();
  assert.equal(rig.reloads.length, 1);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} stops the daemon, and the exit code is 0`, async () => {
    const rig = await up();
    rig.emit(signal);
    assert.equal(rig.steps.at(-1), 'stop');
    rig.stopped.resolve();
    assert.equal(await rig.code, 0);
    assert.deepEqual((await rig.log()).slice(1), [
      `level=info msg=stopping signal=${signal}`,
      'level=info msg=stopped',
    ]);
    assert.deepEqual(rig.exits, []);
  });
}

test('a second signal ends it at once', async () => {
  const rig = await up();
  rig.emit('SIGTERM');
  rig.emit('SIGINT');
  assert.deepEqual(rig.exits, [130]);
  rig.emit('SIGTERM');
  assert.deepEqual(rig.exits, [130, 143]);
  rig.stopped.resolve();
});

test('a SIGTERM that comes during the start stops the daemon as soon as it is there', async () => {
  const rig = new Rig();
  rig.emit('SIGTERM');
  assert.deepEqual(rig.steps.slice(1), []);
  rig.started.resolve();
  await settle();
  assert.deepEqual(rig.steps.slice(1), ['stop']);
  assert.equal(rig.printed, '');
  rig.stopped.resolve();
  assert.equal(await rig.code, 0);
});

test('after SIGTERM a SIGHUP does nothing any more', async () => {
  const rig = await up();
  rig.emit('SIGTERM');
  rig.emit('SIGHUP');
  assert.equal(rig.reloads.length, 0);
  rig.stopped.resolve();
});

test('a reload that a SIGTERM has overtaken fails in silence', async () => {
  const rig = await up();
  rig.emit('SIGHUP');
  rig.emit('SIGTERM');
  rig.reloads[0]?.reject(new Error('the daemon is stopping'));
  rig.stopped.resolve();
  assert.equal(await rig.code, 0);
  assert.deepEqual((await rig.log()).slice(1), ['level=info msg=stopping signal=SIGTERM', 'level=info msg=stopped']);
});

test('a stop that fails is told and has its exit code', async () => {
  const rig = await up();
  rig.emit('SIGTERM');
  rig.stopped.reject(new StoreError('/x: not closed'));
  assert.equal(await rig.code, 73);
  assert.match(
    (await rig.log()).at(-1) ?? '',
    /level=error msg="stopped with an error" error="StoreError: \/x: not closed/,
  );
});

test('a stop that hangs is not waited for', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const rig = await up();
  rig.emit('SIGTERM');
  t.mock.timers.tick(14_999);
  assert.deepEqual(rig.exits, []);
  t.mock.timers.tick(1);
  assert.deepEqual(rig.exits, [70]);
  rig.stopped.resolve();
});

test('a start that fails rejects with its error', async () => {
  const rig = new Rig();
  rig.started.reject(new StoreError('corrupt'));
  await assert.rejects(rig.code, { message: 'corrupt' });
});

test('a fault that nobody caught ends the daemon with its trace in the log, a lost rejection does not', async () => {
  const rig = await up();
  rig.emit('unhandledRejection', new TypeError('lost'));
  assert.deepEqual(rig.exits, []);
  rig.emit('uncaughtException', new TypeError('bang'));
  assert.deepEqual(rig.exits, [70]);
  const [, lost = '', bang = ''] = await rig.log();
  assert.match(lost, /level=error .*error="TypeError: lost\\n {4}at /);
  assert.match(bang, /level=error .*error="TypeError: bang\\n {4}at /);
});

test('at the end the log is written out', async () => {
  const rig = await up();
  rig.emit('SIGTERM');
  rig.emit('exit');
  rig.stopped.resolve();
  assert.match((await rig.log()).join('\n'), /stopping/);
});
