import type { EachBatchPayload } from 'kafkajs';
import { messageOf } from '../../pipeline/errors.ts';
import { topics, type LogBatch, type Topic } from '../../pipeline/log.ts';
import { commitCursor } from './cursor.ts';
import { decodeMessages } from './decode.ts';
import { isRebalance } from './errors.ts';
import { isCurrent, noteGap, noteRebalance, placeOf, type Owned, type Session } from './session.ts';
import { waitForSchema } from './wait-for-schema.ts';

const DEFAULT_ENTRIES = 1_000;
/** A batch in hand may still be finished and committed for this long after the group began to deal again. */
const REBALANCE_GRACE_MS = 15_000;
/** Without a word from the handler for so long, its partitions go to others: it hangs. */
const MAX_SILENCE_MS = 300_000;

/** Hands one batch of kafkajs to the handler, in pieces of at most `maxEntries`. */
export async function handOut<T extends Topic>(
  session: Session<T>,
  payload: EachBatchPayload,
): Promise<void> {
  const { batch } = payload;
  const own = session.owned.get(placeOf(batch.topic, batch.partition));
  if (!own || own.position === null || session.closing) return;
  if (!continues(session, own, batch)) return;
  const { kind } = topics[own.topic];
  const end = Number(batch.highWatermark);
  const { position } = own;
  const begins = batch.messages.length > 0 && Number(batch.messages[0]!.offset) >= position;
  const messages = begins ? batch.messages : batch.messages.filter((m) => Number(m.offset) >= position);
  const step = session.wanted.maxEntries ?? DEFAULT_ENTRIES;
  for (let at = 0; at < messages.length;) {
    if (!isCurrent(session, own) || session.closing || payload.isStale()) return;
    const { entries, missing } = decodeMessages(messages.slice(at, at + step), kind, session.schemas);
    at += entries.length;
    if (entries.length > 0) {
      const piece = { entries: entries as unknown as LogBatch<T>['entries'], end };
      if (!(await handlePiece(session, own, piece, payload))) return;
      moveTo(own, payload, entries.at(-1)!.offset);
    }
    if (missing && !(await session.schemas.resolve(kind, missing).catch(() => undefined))) {
      return waitForSchema(session, own, missing);
    }
    await payload.heartbeat();
  }
  // What a batch ends with may be control records, or compacted away: never handed out, but passed.
  const last = Number(batch.lastOffset());
  if (isCurrent(session, own) && last >= own.position) moveTo(own, payload, last);
}

function moveTo(own: Owned, payload: EachBatchPayload, offset: number): void {
  own.position = offset + 1;
  payload.resolveOffset(String(offset));
}

/**
 * Whether a batch goes on where the last one ended. One that was fetched before a seek, and one whose beginning
 * the log no longer has, look alike: the wanted offset is asked for once more, and then it is a gap.
 */
function continues(session: Session<Topic>, own: Owned, batch: EachBatchPayload['batch']): boolean {
  const from = Number((batch as unknown as { readonly fetchedOffset: string }).fetchedOffset);
  const position = own.position!;
  if (from <= position) return true;
  if (own.gapAt !== from) {
    own.gapAt = from;
    session.consumer.seek({ topic: own.name, partition: own.partition, offset: String(position) });
    return false;
  }
  noteGap(session, own, position, from);
  own.position = from;
  return true;
}

/** Runs the handler over one piece. False when nothing more of this batch may be handled. */
async function handlePiece<T extends Topic>(
  session: Session<T>,
  own: Owned,
  piece: Pick<LogBatch<T>, 'entries' | 'end'>,
  payload: EachBatchPayload,
): Promise<boolean> {
  const { wanted, context } = session;
  const { clock, log } = context;
  let lastWordMs = clock.now();
  const beat = async (): Promise<void> => {
    if (session.rebalance) return;
    try {
      await payload.heartbeat();
    } catch (error) {
      // Anything else is an outage, which the fetch loop meets and waits out itself.
      if (isRebalance(error)) noteRebalance(session, own, error);
    }
  };
  const everyMs = Math.min(3_000, session.options.sessionTimeoutMs / 3);
  const timer = setInterval(() => {
    if (clock.now() - lastWordMs < MAX_SILENCE_MS) void beat();
  }, everyMs);
  session.counts.received.add(piece.entries.length, { group: wanted.group, topic: own.topic });
  try {
    await wanted.handle({
      ...piece,
      topic: own.topic as T,
      partition: own.partition,
      commit(offset, metadata) {
        lastWordMs = clock.now();
        return commitCursor(session, own, { offset, metadata }, (offsets) =>
          payload.commitOffsetsIfNecessary(offsets),
        );
      },
      heartbeat() {
        lastWordMs = clock.now();
        return beat();
      },
      isStale: () =>
        !isCurrent(session, own) ||
        (session.rebalance !== null && clock.now() - session.rebalance.sinceMs > REBALANCE_GRACE_MS),
    });
    session.progress = true;
  } catch (error) {
    if (isCurrent(session, own) && !session.rebalance) {
      session.fail(error);
      return false;
    }
    const { group } = wanted;
    log.debug(
      { group, topic: own.name, partition: own.partition, reason: messageOf(error) },
      'a stale batch was given up',
    );
  } finally {
    clearInterval(timer);
  }
  if (session.rebalance) throw session.rebalance.error;
  return isCurrent(session, own);
}
