import { WeirError, messageOf } from '../../pipeline/errors.ts';
import type { Topic } from '../../pipeline/log.ts';
import { isRebalance } from './errors.ts';
import { isCurrent, noteRebalance, type Owned, type Session } from './session.ts';

/**
 * How a cursor is saved: not `consumer.commitOffsets`, which resolves without doing anything while the consumer
 * stops, and repeats by itself what it must not.
 */
export type SendCursor = (offsets: {
  topics: { topic: string; partitions: { partition: number; offset: string; metadata?: string }[] }[];
}) => Promise<void>;

/** What a broker keeps with a cursor by default, `offset.metadata.max.bytes`. */
const MAX_METADATA_BYTES = 4_096;
/** With the pauses between them about ten seconds. */
const MAX_TRIES = 8;

/** Repeated while the coordinator restarts; rejected when the partition was taken away. */
export async function commitCursor(
  session: Session<Topic>,
  own: Owned,
  cursor: { readonly offset: number; readonly metadata: string | undefined },
  send: SendCursor,
): Promise<void> {
  const { name, partition } = own;
  const { metadata } = cursor;
  const { clock, log } = session.context;
  const bytes = metadata === undefined ? 0 : Buffer.byteLength(metadata);
  if (bytes > MAX_METADATA_BYTES) {
    const place = `metadata of the cursor at ${name}-${partition}`;
    throw new WeirError(
      'state_unusable',
      `${place} is ${bytes} bytes, at most ${MAX_METADATA_BYTES} are kept`,
    );
  }
  const offset = String(cursor.offset);
  const one = metadata === undefined ? { partition, offset } : { partition, offset, metadata };
  for (let attempt = 1; ; attempt++) {
    if (!isCurrent(session, own) || session.ended.aborted) throw takenAway(name, partition);
    try {
      await send({ topics: [{ topic: name, partitions: [one] }] });
      session.progress = true;
      return;
    } catch (error) {
      if (isRebalance(error)) {
        noteRebalance(session, own, error);
        throw takenAway(name, partition);
      }
      if (attempt === MAX_TRIES) {
        // The coordinator is gone for good, perhaps: with this kafkajs looks for it and joins anew.
        noteRebalance(
          session,
          own,
          Object.assign(new Error('no coordinator'), { type: 'NOT_COORDINATOR_FOR_GROUP' }),
        );
        throw takenAway(name, partition);
      }
      const { group } = session.wanted;
      log.warn({ group, topic: name, partition, attempt, reason: messageOf(error) }, 'commit is repeated');
      await clock.sleep(Math.random() * Math.min(5_000, 200 * 2 ** Math.min(attempt, 10)), session.ended);
    }
  }
}

const takenAway = (topic: string, partition: number): WeirError =>
  new WeirError(
    'log_unavailable',
    `partition ${partition} of ${topic} was taken away before its cursor was saved`,
  );
