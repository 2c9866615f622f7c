import type { Delivery } from '../../pipeline/contracts.ts';
import { PartialWriteError, type Refusal } from '../../pipeline/errors.ts';
import type { Channel } from './channel.ts';
import { resentMarks, sentKeys } from '../records/resent.ts';

/** Records that one receiver has while another lacks them; more than all writes under way hold. */
const REMEMBERED = 100_000;

/**
 * Every message to every receiver: a write resolves when all of them have it. When one fails, the write is written
 * again by whoever wrote it, and then goes only to those that lack it.
 */
export function fanOut(channels: readonly Channel[]): Channel {
  const have = channels.map(() => resentMarks(REMEMBERED));
  const each = async (act: (channel: Channel) => Promise<void>): Promise<void> => {
    const results = await Promise.allSettled(channels.map(act));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  };
  return {
    start: (signal) => each((channel) => channel.start(signal)),
    stop: (signal) => each((channel) => channel.stop(signal)),
    write: async (items, signal) => {
      const results = await Promise.all(
        channels.map(async (channel, i) => {
          const lacking = items.filter((item) => !have[i]!.has(item));
          return { lacking, ...(await outcome(channel, lacking, signal)) };
        }),
      );
      const failed = results.find((result) => result.error !== null);
      if (!failed) {
        const all = sentKeys(items);
        for (const marks of have) marks.forget(all);
        const refusals = new Map<number, Refusal>();
        for (const { lacking, refused } of results)
          for (const one of refused) {
            const index = items.indexOf(lacking[one.index]!);
            refusals.set(index, { ...one, index });
          }
        if (refusals.size > 0) throw new PartialWriteError([...refusals.values()]);
        return;
      }
      for (const [i, { lacking, refused, error }] of results.entries()) {
        if (error !== null) continue;
        const not = new Set(refused.map(({ index }) => index));
        have[i]!.add(sentKeys(lacking.filter((_, index) => !not.has(index))));
      }
      throw failed.error;
    },
  };
}

async function outcome(
  channel: Channel,
  items: readonly Delivery[],
  signal: AbortSignal,
): Promise<{ readonly error: unknown; readonly refused: readonly Refusal[] }> {
  try {
    if (items.length > 0) await channel.write(items, signal);
    return { error: null, refused: [] };
  } catch (error) {
    return error instanceof PartialWriteError
      ? { error: null, refused: error.refusals }
      : { error: error ?? new Error('failed without a reason'), refused: [] };
  }
}
