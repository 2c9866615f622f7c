import type { Clock } from '../../pipeline/contracts.ts';
import { WeirError } from '../../pipeline/errors.ts';

/** Ids in one question. */
const MAX_ASKED = 1000;

/** Waits for acknowledgements of all requests together: one question at a time, however many are under way. */
export interface Acks {
  /** Resolves when the indexers have what the request held; rejects when that is not known after `timeoutMs`. */
  wait(ackId: number, signal: AbortSignal): Promise<void>;
  stop(): void;
}

export function acks(options: {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly timeoutMs: number;
  /** Which of these are acknowledged. */
  readonly ask: (ackIds: readonly number[], signal: AbortSignal) => Promise<ReadonlySet<number>>;
  /** Told of a question that failed; the next one may succeed. */
  readonly failed: (error: unknown) => void;
}): Acks {
  const { clock } = options;
  interface Waiting {
    readonly untilMs: number;
    readonly done: () => void;
    readonly fail: (error: Error) => void;
  }
  const waiting = new Map<number, Waiting>();
  let asking: AbortController | null = null;

  async function loop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && waiting.size > 0) {
      await clock.sleep(options.everyMs, signal);
      if (signal.aborted) return;
      try {
        const ids = [...waiting.keys()];
        for (let at = 0; at < ids.length; at += MAX_ASKED)
          for (const id of await options.ask(ids.slice(at, at + MAX_ASKED), signal)) {
            waiting.get(id)?.done();
            waiting.delete(id);
          }
      } catch (error) {
        if (signal.aborted) return;
        options.failed(error);
      }
      for (const [id, { untilMs, fail }] of waiting) {
        if (clock.now() < untilMs) continue;
        waiting.delete(id);
        fail(
          new WeirError(
            'sink_unavailable',
            `Splunk has not acknowledged a request within ${options.timeoutMs} ms`,
          ),
        );
      }
    }
  }

  function begin(): void {
    if (asking !== null) return;
    const mine = new AbortController();
    asking = mine;
    void loop(mine.signal).finally(() => {
      if (asking === mine) asking = null;
      if (waiting.size > 0 && !mine.signal.aborted) begin();
    });
  }

  return {
    wait: (ackId, signal) =>
      new Promise<void>((resolve, reject) => {
        const settled = (): void => signal.removeEventListener('abort', onAbort);
        const onAbort = (): void => {
          waiting.delete(ackId);
          reject(signal.reason as Error);
        };
        if (signal.aborted) return onAbort();
        signal.addEventListener('abort', onAbort);
        waiting.set(ackId, {
          untilMs: clock.now() + options.timeoutMs,
          done: () => {
            settled();
            resolve();
          },
          fail: (error) => {
            settled();
            reject(error);
          },
        });
        begin();
      }),
    stop() {
      asking?.abort();
      asking = null;
      for (const { fail } of waiting.values())
        fail(new WeirError('sink_unavailable', 'stopped before Splunk had acknowledged'));
      waiting.clear();
    },
  };
}
