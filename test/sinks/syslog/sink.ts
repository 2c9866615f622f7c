import { setMaxListeners } from 'node:events';
import type { z } from 'zod';
import { systemClock } from '../../../pipeline/clock.ts';
import type { Delivery, Sink } from '../../../pipeline/contracts.ts';
import { withRetry } from '../../../pipeline/retry.ts';
import { create } from '../../../sinks/syslog/index.ts';
import { options } from '../../../sinks/syslog/options.ts';
import { aFlow } from '../../helpers/flows.ts';
import { testContext } from '../../helpers/context.ts';
import { delivery } from './records.ts';

/** Many writes wait on it at the same time. */
export const never = new AbortController().signal;
setMaxListeners(0, never);

/** A sink that confirms after 50 ms, unless told otherwise, and is stopped after the test. */
export function syslogSink(
  t: { after(fn: () => Promise<void>): void },
  input: z.input<typeof options>,
): Sink {
  const sink = create(
    options.parse({ confirmMs: 50, ...input }),
    testContext({ name: 'siem', clock: systemClock }),
  );
  t.after(() => sink.stop!(never));
  return sink;
}

/** The sink as the runtime drives it: failed writes are written again until the signal is aborted. */
export const retried = (sink: Sink, failed: (error: unknown) => void = () => {}): Sink =>
  withRetry(sink, { clock: systemClock, retry: { baseMs: 20, maxMs: 100 }, failed });

/** Flows in batches, of ids that never repeat within an origin. */
export function flowBatches(origin: string, batches: number, size: number, filler = ''): Delivery[][] {
  let position = 0;
  return Array.from({ length: batches }, () =>
    Array.from({ length: size }, () => {
      const flow = aFlow({ origin, position: position++ });
      flow.verdictRaw = filler;
      return delivery('flow', flow);
    }),
  );
}

/** Writes all batches with at most `maxInFlight` of them unsettled. */
export async function writeAll(
  sink: Sink,
  batches: readonly (readonly Delivery[])[],
  maxInFlight = 16,
): Promise<void> {
  const queue = [...batches];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) await sink.write(next, never);
  };
  await Promise.all(Array.from({ length: maxInFlight }, worker));
}
