import { topics, type Topic } from '../../pipeline/log.ts';
import type { SchemaRef } from './framing.ts';
import { isCurrent, placeOf, type Owned, type Session } from './session.ts';

const RETRY_MS = 1_000;
/** After this long the process says that it is not ready; it goes on waiting. */
export const SCHEMA_PATIENCE_MS = 60_000;

/**
 * Stops reading a partition until a schema is published. Its writer may be a moment ahead of its schema, or the
 * registry away: that passes, so such a record is never a dead letter.
 */
export function waitForSchema(session: Session<Topic>, own: Owned, schema: SchemaRef): void {
  const { consumer, context, counts, ended, unready } = session;
  const { clock, log } = context;
  const { group } = session.wanted;
  const place = placeOf(own.name, own.partition);
  const where = { group, topic: own.name, partition: own.partition, schema: schema.name };
  const partition = [{ topic: own.name, partitions: [own.partition] }];
  const sinceMs = clock.now();
  const isOver = (): boolean => ended.aborted || !isCurrent(session, own);
  consumer.pause(partition);
  counts.waiting.set(1, { group, place });
  log.warn(where, 'waiting for an unknown schema');
  void (async () => {
    let told = false;
    for (;;) {
      await clock.sleep(RETRY_MS, ended);
      if (isOver()) break;
      const found = await session.schemas.resolve(topics[own.topic].kind, schema).catch(() => undefined);
      if (isOver()) break;
      if (found) {
        consumer.resume(partition);
        break;
      }
      if (!told && clock.now() - sinceMs >= SCHEMA_PATIENCE_MS) {
        told = true;
        log.error(where, 'unknown schema, not ready');
        unready(
          `schema ${schema.name} of ${place} was not published within ${SCHEMA_PATIENCE_MS / 1_000} s`,
          place,
        );
      }
    }
    counts.waiting.set(0, { group, place });
    unready(null, place);
  })();
}
