import { messageOf } from '../../pipeline/errors.ts';
import type { Assignment, Topic } from '../../pipeline/log.ts';
import { explain, isRebalance, kindOf } from './errors.ts';
import { isCurrent, noteGap, placeOf, type Owned, type Session } from './session.ts';

interface Cursor {
  readonly offset: number;
  readonly metadata: string | null;
}

/**
 * Takes over what the group has dealt to this member. To be called from the join event itself, which comes
 * before the first fetch: everything is paused until the cursors are known and `assigned` of the caller has
 * answered. An assignment that comes meanwhile makes this one end without effect.
 */
export function takeOver<T extends Topic>(
  session: Session<T>,
  dealt: Readonly<Record<string, number[]>>,
  before: Promise<void>,
): Promise<void> {
  const { consumer, owned, wanted } = session;
  const epoch = ++session.epoch;
  session.counts.rebalances.add(1, { group: wanted.group });
  session.rebalance = null;
  owned.clear();
  const list = Object.entries(dealt).map(([topic, partitions]) => ({ topic, partitions }));
  consumer.pause(list);
  for (const { topic: name, partitions } of list) {
    const topic = session.byName.get(name);
    if (topic === undefined) continue;
    for (const partition of partitions) {
      owned.set(placeOf(name, partition), { topic, name, partition, position: null, gapAt: null });
    }
  }
  const isOver = (): boolean => session.epoch !== epoch || session.closing || session.ended.aborted;

  return (async () => {
    await before;
    // What runs is stale by now and ends soon; a partition never has two handlers.
    await Promise.allSettled(session.running);
    if (isOver()) return;
    const cursors = await persist(session, isOver, () => committed(session));
    if (!cursors || isOver()) return;
    const mine = [...owned.values()];
    const assignment = mine.map((own): Assignment<T> => {
      const cursor = cursors.get(placeOf(own.name, own.partition));
      return {
        topic: own.topic as T,
        partition: own.partition,
        offset: cursor?.offset ?? null,
        metadata: cursor?.metadata ?? null,
      };
    });
    const seeks = (await wanted.assigned?.(assignment)) ?? [];
    await Promise.all(
      mine.map(async (own, i) => {
        const seek = seeks.find((s) => s.topic === own.topic && s.partition === own.partition);
        await startAt(session, own, seek?.offset ?? null, assignment[i]!.offset, isOver);
      }),
    );
    if (isOver()) return;
    consumer.resume(list);
    session.context.log.info({ group: wanted.group, epoch, partitions: mine.length }, 'partitions assigned');
  })();
}

/** Puts a partition where reading goes on: what the caller says, else the cursor, else where it was configured. */
async function startAt(
  session: Session<Topic>,
  own: Owned,
  seek: number | null,
  cursor: number | null,
  isOver: () => boolean,
): Promise<void> {
  const { wanted, consumer } = session;
  const bounds = await persist(session, isOver, () => session.reader.bounds(own.name, own.partition));
  if (!bounds || isOver() || !isCurrent(session, own)) return;
  let start = seek ?? cursor ?? (wanted.startAt === 'end' ? bounds.end : bounds.first);
  if (start < bounds.first) {
    noteGap(session, own, start, bounds.first);
    start = bounds.first;
  }
  own.position = start;
  consumer.seek({ topic: own.name, partition: own.partition, offset: String(start) });
  if (seek === null && cursor === null && wanted.startAt === 'end') {
    // What arrives before the first commit would otherwise be skipped after a restart.
    const first = [{ topic: own.name, partition: own.partition, offset: String(start) }];
    await consumer.commitOffsets(first).catch((error: unknown) => {
      throw isRebalance(error) ? error : explain(error, `consumer group ${wanted.group}`);
    });
  }
}

async function committed(session: Session<Topic>): Promise<ReadonlyMap<string, Cursor>> {
  const found = new Map<string, Cursor>();
  const groupId = session.wanted.group;
  for (const { topic, partitions } of await session.admin.fetchOffsets({
    groupId,
    topics: [...session.byName.keys()],
  })) {
    for (const { partition, offset, metadata } of partitions) {
      if (Number(offset) >= 0) found.set(placeOf(topic, partition), { offset: Number(offset), metadata });
    }
  }
  return found;
}

/** Repeats what an outage prevents; undefined when the assignment is over. */
async function persist<R>(
  session: Session<Topic>,
  isOver: () => boolean,
  action: () => Promise<R>,
): Promise<R | undefined> {
  for (let attempt = 1; !isOver(); attempt++) {
    try {
      return await action();
    } catch (error) {
      const { group } = session.wanted;
      const kind = kindOf(error);
      if (kind === 'refused' || (kind === 'missing' && attempt > 5))
        throw explain(error, `consumer group ${group}`);
      session.context.log.warn({ group, attempt, reason: messageOf(error) }, 'cursors cannot be read yet');
      const most = Math.min(5_000, 200 * 2 ** Math.min(attempt, 10));
      await session.context.clock.sleep(Math.random() * most, session.ended);
    }
  }
  return undefined;
}
