import type { Context } from '../../pipeline/contracts.ts';
import { messageOf } from '../../pipeline/errors.ts';
import type { Connection } from './connection.ts';
import { deleteExpired, expiringKinds } from './expiry.ts';
import type { Layout } from './operations.ts';

/** After a start the cluster has a backlog to take; and what is started again and again deletes nothing. */
const FIRST_MS = 10 * 60_000;
const DAY_MS = 86_400_000;

/**
 * Deletes once a day what is closed and older than `keptMs`, until the signal is aborted. It never fails: a cluster
 * that cannot be asked, or credentials that may not, are told and asked again the next day.
 */
export async function deleteDaily(
  from: { readonly far: Connection; readonly place: Layout; readonly keptMs: number },
  { name, clock, log, meter }: Context,
  signal: AbortSignal,
): Promise<void> {
  const expired = meter.counter(
    'bulk_expired_total',
    'Closed alerts and incidents deleted from the indices of current state by their age.',
    ['sink'],
  );
  await clock.sleep(FIRST_MS, signal);
  while (!signal.aborted) {
    for (const kind of expiringKinds) {
      try {
        const beforeMs = clock.now() - from.keptMs;
        const { deleted, isMore } = await deleteExpired(
          await from.far.get(),
          { place: from.place, kind, beforeMs },
          signal,
        );
        if (deleted > 0) expired.add(deleted, { sink: name });
        if (deleted > 0 || isMore)
          log.info({ sink: name, kind, deleted, isMore }, 'closed ones were deleted by their age');
      } catch (error) {
        if (signal.aborted) return;
        log.warn(
          { sink: name, kind, error: messageOf(error) },
          'closed ones could not be deleted by their age',
        );
      }
    }
    await clock.sleep(DAY_MS, signal);
  }
}
