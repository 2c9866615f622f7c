import { WeirError } from '../../pipeline/errors.ts';
import type { Clock, Logger } from '../../pipeline/contracts.ts';
import type { Log } from '../../pipeline/log.ts';
import type { Access } from '../../schema/records.ts';
import { kafkaClient } from './client.ts';
import { explain } from './errors.ts';
import type { Options } from './options.ts';
import { rangeReader } from './reader.ts';
import { topicSettings } from './topics.ts';

export interface Probe {
  /** Broker's clock less ours, as near as the time the append took allows. */
  readonly clockMs: number;
  /** How long the append took: no difference smaller than this means anything. */
  readonly tookMs: number;
}

/**
 * For `weir check`: appends one marked audit record through a started log and reads it back, without joining a
 * group. Rejects when it is refused, or not there afterwards.
 */
export async function probe(
  parts: {
    readonly options: Options;
    readonly log: Pick<Log, 'append'>;
    readonly logger: Logger;
    readonly clock: Clock;
  },
  record: Access,
): Promise<Probe> {
  const { options, log, logger, clock } = parts;
  const topic = topicSettings(options).access.name;
  const reader = rangeReader(kafkaClient(options, logger));
  try {
    const before = await reader.bounds(topic, 0);
    const begunMs = clock.now();
    await log.append('access', [{ partition: 0, key: null, value: record }]);
    const doneMs = clock.now();
    const { end } = await reader.bounds(topic, 0);
    for await (const { value, timestampMs } of reader.read({
      topic,
      partition: 0,
      from: before.end,
      to: end,
    }))
      if (value?.includes(record.id))
        return { clockMs: timestampMs - (begunMs + doneMs) / 2, tookMs: doneMs - begunMs };
    throw new WeirError('log_misconfigured', `${topic}: what was written was not read back`);
  } catch (error) {
    throw explain(error, `topic ${topic}`);
  } finally {
    await reader.stop();
  }
}
