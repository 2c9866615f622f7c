import { join } from 'node:path';
import { createKafkaLog } from '../../transport/kafka/index.ts';
import type { Config } from '../config/index.ts';
import type { History } from './baseline.ts';
import { createControl } from './control.ts';
import { keepInFiles, keepInLog } from './learned.ts';
import { contextOf, type Shared } from './process.ts';

/** Puts what was learned where the processes of a configuration look for it. Resolves with that place. */
export async function keepLearned(
  history: History,
  config: Config,
  shared: Shared,
  stop: AbortSignal,
): Promise<string> {
  const { flows, fromMs, toMs } = history;
  const about = { madeMs: shared.clock.now(), flows, fromMs, toMs };
  const lanes = history.pack();
  if (config.kafka === null) {
    await keepInFiles(config.state.dir, lanes, about);
    return join(config.state.dir, 'baseline');
  }
  const log = createKafkaLog(config.kafka, contextOf(shared, 'baseline'), { topics: ['control', 'access'] });
  await log.start(stop);
  try {
    const control = createControl({ log, follow: () => Promise.resolve() }, shared);
    await keepInLog({ control, snapshots: log.snapshots }, lanes, about);
  } finally {
    await log.stop();
  }
  return 'Kafka, for every process with the role detectors';
}
