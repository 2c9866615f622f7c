import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Sink } from '../../pipeline/contracts.ts';
import { createCounters } from '../../pipeline/counters.ts';
import { deliver } from '../../pipeline/deliver.ts';
import { messageOf } from '../../pipeline/errors.ts';
import type { Log } from '../../pipeline/log.ts';
import { noMeter } from '../../pipeline/meter.ts';
import type { Flow } from '../../schema/records.ts';
import { createLocalLog } from '../../transport/local/index.ts';
import { testContext } from './context.ts';
import { temporaryDirectory } from './directory.ts';

const never = new AbortController().signal;

export interface Delivering {
  append(flows: readonly Flow[]): Promise<void>;
  /** Flows that a sink has not settled. */
  lag(name: string): Promise<number>;
  /** Most failures in a row of each sink so far. */
  readonly failures: ReadonlyMap<string, number>;
  /** What was wrong, of each sink. */
  readonly errors: ReadonlyMap<string, ReadonlySet<string>>;
  /** Rejects with what ended a delivery, and never resolves before the end. */
  readonly ended: Promise<never>;
  /** Lets what is settled be written down; gives up the rest with `giveUp`. */
  stop(giveUp?: boolean): Promise<void>;
}

/** Sinks over one log as the runtime drives them. None of them may put a record into the dead letter. */
export async function delivering(t: TestContext, sinks: Readonly<Record<string, Sink>>): Promise<Delivering> {
  const group = (name: string): string => `weir.sink.${name}`;
  const log: Log = createLocalLog(
    {
      directory: temporaryDirectory(t),
      readers: Object.fromEntries(Object.keys(sinks).map((name) => [group(name), ['enriched' as const]])),
      maxBytes: 1e9,
      onFull: 'block',
    },
    testContext(),
  );
  await log.start(never);
  t.after(() => log.stop());
  const failures = new Map<string, number>();
  const errors = new Map<string, Set<string>>(Object.keys(sinks).map((name) => [name, new Set()]));
  const [drain, kill] = [new AbortController(), new AbortController()];
  const running = Object.entries(sinks).map(([name, sink]) =>
    deliver(
      {
        sink,
        log,
        group: group(name),
        topics: ['enriched'],
        view: (_kind, record) => record,
        letters: { keep: ([letter]) => assert.fail(`for the dead letter of ${name}: ${letter?.reason}`) },
        counters: createCounters(noMeter, 'sink', name),
        retry: { baseMs: 1, maxMs: 20 },
        health(inARow, error) {
          failures.set(name, Math.max(failures.get(name) ?? 0, inARow));
          if (error !== null) errors.get(name)!.add(messageOf(error));
        },
      },
      testContext({ name }),
      { drain: drain.signal, kill: kill.signal },
    ),
  );
  const all = Promise.all(running);
  const ended = all.then(() => assert.fail('a delivery ended'));
  ended.catch(() => {});
  return {
    failures,
    errors,
    ended,
    append: (flows) =>
      log.append(
        'enriched',
        flows.map((value) => ({ partition: 0, key: null, value })),
      ),
    lag: (name) => log.lag(group(name), ['enriched']),
    async stop(giveUp = false) {
      drain.abort();
      if (giveUp) kill.abort(new Error('given up'));
      await all.catch((error: unknown) => assert.equal(messageOf(error), giveUp ? 'given up' : ''));
    },
  };
}
