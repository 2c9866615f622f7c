import type { Consumer } from 'kafkajs';
import { messageOf } from '../../pipeline/errors.ts';
import type { ConsumeOptions, Topic } from '../../pipeline/log.ts';
import { takeOver } from './assigned.ts';
import { rendezvousAssigner } from './assigner.ts';
import { guardFetching } from './fetch-guard.ts';
import { explain, isRebalance } from './errors.ts';
import { handOut } from './hand-out.ts';
import type { ConsumeParts, Session } from './session.ts';
import { laneTopics } from './topics.ts';

const FETCH_WAIT_MS = 200;
/** A consumer that lost its membership is made anew; so many times in a row without progress is a fault. */
const MAX_REJOINS = 5;
/** A member that was stopped stays so long, for commits of what was still on its way. */
const LINGER_MS = 30_000;

/** The consumers of a process, one for each group. */
export interface Consumers {
  /** See `Log.consume`. */
  consume<T extends Topic>(wanted: ConsumeOptions<T>, signal: AbortSignal): Promise<void>;
  /** Leaves all groups. */
  stop(): Promise<void>;
}

/**
 * After its signal a consumer begins no batch, but stays in its group until `stop`, the next `consume` of the
 * group, or half a minute later: so what was handed out before can still be committed.
 */
export function consumers(parts: ConsumeParts): Consumers {
  const lingering = new Map<string, () => Promise<void>>();

  function linger(group: string, leave: () => Promise<void>): void {
    const timer = setTimeout(() => void end(), LINGER_MS);
    timer.unref();
    const end = (): Promise<void> => {
      clearTimeout(timer);
      if (lingering.get(group) === end) lingering.delete(group);
      return leave();
    };
    lingering.set(group, end);
  }

  return {
    async consume(wanted, signal) {
      await lingering.get(wanted.group)?.();
      const { clock, log } = parts.context;
      for (let rejoins = 0; !signal.aborted;) {
        const outcome = await member(parts, wanted, signal);
        if (outcome.end === 'stopped') return linger(wanted.group, outcome.leave);
        if (outcome.progress) rejoins = 0;
        if (++rejoins > MAX_REJOINS) throw explain(outcome.cause, `consumer group ${wanted.group}`);
        const reason = messageOf(outcome.cause);
        log.warn({ group: wanted.group, reason }, 'consumer lost its place in the group and joins again');
        await clock.sleep(Math.random() * 1_000 * rejoins, signal);
      }
    },
    async stop() {
      await Promise.all([...lingering.values()].map((end) => end()));
    },
  };
}

type Outcome =
  | { readonly end: 'stopped'; readonly leave: () => Promise<void> }
  | { readonly end: 'lost'; readonly cause: unknown; readonly progress: boolean };

/** One member of the group. Rejects on what must end the process. */
async function member<T extends Topic>(
  parts: ConsumeParts,
  wanted: ConsumeOptions<T>,
  signal: AbortSignal,
): Promise<Outcome> {
  const doing = `consumer group ${wanted.group}`;
  const { meter, log } = parts.context;
  const ended = new AbortController();
  const finish = settleable<'stopped' | { readonly lost: unknown }>();
  // kafkajs may be in the middle of starting again while it is disconnected, and would never end.
  const consumer = kafkaConsumer(parts, wanted.group, () => !ended.signal.aborted);
  const session: Session<T> = {
    ...parts,
    wanted,
    consumer,
    byName: new Map(wanted.topics.map((topic) => [parts.settings[topic].name, topic])),
    owned: new Map(),
    running: new Set(),
    ended: ended.signal,
    epoch: 0,
    rebalance: null,
    closing: false,
    progress: false,
    fail: finish.reject,
    counts: {
      received: meter.counter('log_received_total', 'Entries handed to a consumer.', ['group', 'topic']),
      rebalances: meter.counter('log_rebalances_total', 'Times the partitions of a group were dealt.', [
        'group',
      ]),
      skipped: meter.counter('log_retention_gap_total', 'Offsets deleted before they were read.', [
        'group',
        'topic',
      ]),
      waiting: meter.gauge('log_schema_waiting', 'One while a partition waits for a schema.', [
        'group',
        'place',
      ]),
    },
  };

  const failed = (error: unknown): void => {
    if (isRebalance(error)) finish.resolve({ lost: error });
    else finish.reject(error);
  };
  let takingOver = Promise.resolve();
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    takingOver = takeOver(session, payload.memberAssignment, takingOver).catch(failed);
  });
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    if (!restart) failed(isRebalance(error) ? error : explain(error, doing));
  });
  // kafkajs starts again after an outage by itself; until it has joined, nothing is ours.
  consumer.on(consumer.events.STOP, () => {
    session.epoch++;
    session.owned.clear();
  });
  const leave = async (): Promise<void> => {
    ended.abort();
    session.owned.clear();
    await consumer.disconnect().catch((error: unknown) => {
      log.warn({ group: wanted.group, reason: messageOf(error) }, 'consumer did not disconnect cleanly');
    });
  };
  const onAbort = (): void => finish.resolve('stopped');
  signal.addEventListener('abort', onAbort);
  try {
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...session.byName.keys()], fromBeginning: true });
    } catch (error) {
      throw explain(error, doing);
    }
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: parts.options.partitionsConsumedConcurrently,
      eachBatch(payload) {
        const work = handOut(session, payload);
        const tracked = work.catch(() => {}).finally(() => session.running.delete(tracked));
        session.running.add(tracked);
        return work;
      },
    });
    if (signal.aborted) onAbort();
    const outcome = await finish.promise;
    session.closing = true;
    // Else it would fetch the same batches again and again while it lingers.
    for (const { name, partition } of session.owned.values()) {
      consumer.pause([{ topic: name, partitions: [partition] }]);
    }
    await Promise.allSettled(session.running);
    if (outcome === 'stopped') return { end: 'stopped', leave };
    await leave();
    return { end: 'lost', cause: outcome.lost, progress: session.progress };
  } catch (error) {
    session.closing = true;
    await Promise.allSettled(session.running);
    await leave();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function kafkaConsumer(parts: ConsumeParts, groupId: string, mayRestart: () => boolean): Consumer {
  const { kafka, options, settings, memberName } = parts;
  const together = new Set(laneTopics.map((key) => settings[key].name));
  const assigner = rendezvousAssigner(memberName, together);
  return kafka.consumer({
    groupId,
    partitionAssigners: [
      (config) => {
        guardFetching(config.cluster);
        return assigner(config);
      },
    ],
    sessionTimeout: options.sessionTimeoutMs,
    rebalanceTimeout: options.rebalanceTimeoutMs,
    heartbeatInterval: Math.min(3_000, options.sessionTimeoutMs / 3),
    maxWaitTimeInMs: FETCH_WAIT_MS,
    maxBytesPerPartition: 1_048_576,
    maxBytes: 10_485_760,
    allowAutoTopicCreation: false,
    // Few, because a dead coordinator is looked up anew only when kafkajs gives up and starts the consumer again.
    retry: {
      initialRetryTime: 200,
      maxRetryTime: 5_000,
      retries: 5,
      restartOnFailure: () => Promise.resolve(mayRestart()),
    },
  });
}

function settleable<T>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // It may be rejected before anyone waits for it.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
