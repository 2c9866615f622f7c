import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { sources } from '../../collector/registry.ts';
import { noMeter } from '../../pipeline/meter.ts';
import { durationForm, parseDuration } from '../../pipeline/units.ts';
import { isStore, openStore } from '../../store/index.ts';
import { storeForensics, type Forensics } from '../api/forensics.ts';
import type { Config } from '../config/index.ts';
import { countText, spanText, timeText } from '../format/units.ts';
import { learnFromFiles, learnFromStore, type History } from '../wire/baseline.ts';
import { keepLearned } from '../wire/keep-learned.ts';
import { createBoard, type Shared } from '../wire/process.ts';
import { quietLog } from '../wire/quiet-log.ts';
import { replayConfig } from '../wire/replay.ts';
import { forensics, print } from './ask.ts';
import { exit, UsageError, type Command, type World } from './command.ts';
import { learnedScreen } from './learned-screen.ts';
import { stateDirs } from './places.ts';
import { createCount, createProgress } from './progress.ts';

const usage = `weir baseline [--from STORE] [--since 14d] [--config FILE]
weir baseline --from FILE [--from FILE...] --source TYPE [--config FILE]

Lets the detectors learn from history what is normal, so that they need not learn it live. Nobody is told of what they
find in it. A running weir takes up what they learned within seconds, another one when it starts: each detector in the
lanes in which it has learned nothing yet, as long as its options are the same.

  --from STORE      directory of a store; without --from, the store of the weir that is configured
  --from FILE       flow log, .gz file or 'pattern*', read whole
  --source TYPE     format of the files: ${Object.keys(sources).join(', ')}
  --cluster NAME    cluster the files are of, where they do not say
  --since DURATION  how much of a store, back from its newest flow (default 14d)
  --config FILE     configuration of the weir that is to know it
  -q, --quiet       no progress`;

interface Values {
  readonly from: readonly string[];
  readonly source?: string | undefined;
  readonly cluster?: string | undefined;
  readonly since?: string | undefined;
  readonly config?: string | undefined;
  readonly quiet: boolean;
}

export const baseline: Command = {
  summary: 'let the detectors learn from history',
  usage,
  async run(args, world) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        from: { type: 'string', multiple: true, default: [] },
        source: { type: 'string' },
        cluster: { type: 'string' },
        since: { type: 'string' },
        config: { type: 'string' },
        quiet: { type: 'boolean', short: 'q', default: false },
      },
    });
    const config = stateDirs(values.config, world.env)[0]!.config;
    const shared: Shared = {
      cluster: config.cluster,
      clock: world.clock,
      meter: noMeter,
      log: quietLog(world.stderr),
      board: createBoard(),
    };
    const isOfStore =
      values.from.length === 0 || values.from.every((path) => isDirectory(path) && isStore(path));
    const history = isOfStore
      ? await ofStore(values, config, world)
      : await ofFiles(values, { config, shared }, world);
    if (world.stop.aborted) return exit.failed;
    if (history === null) {
      world.stderr.write('weir: no flow was there to learn from\n');
      return exit.failed;
    }
    const where = await keepLearned(history, config, shared, world.stop);
    await print(
      world,
      `Learned from ${countText(history.flows, 'flow')} of ${spanText(history.toMs - history.fromMs)}, ` +
        `${timeText(history.fromMs)} to ${timeText(history.toMs)}.\n\n` +
        `${learnedScreen(history, world)}\n\nKept in ${where}.\n`,
    );
    return exit.fine;
  },
};

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

async function ofFiles(
  values: Values,
  { config, shared }: { readonly config: Config; readonly shared: Shared },
  world: World,
): Promise<History | null> {
  const { from, source } = values;
  if (source === undefined)
    throw new UsageError(
      `${from[0]} is no store, and of files the format is needed: give --source, one of ${Object.keys(sources).join(', ')}`,
    );
  if (values.since !== undefined) throw new UsageError('--since is for a store: files are read whole');
  const own = replayConfig({ source, cluster: values.cluster }, from, world.env);
  const cluster = values.cluster ?? config.cluster;
  const reading: Config = {
    ...config,
    kafka: null,
    sources: own.sources.map((each) => ({ ...each, cluster })),
  };
  const progress = createProgress(reading, world, values);
  try {
    return await learnFromFiles(reading, shared, {
      stop: world.stop,
      read: (batch, flows) => progress.read(batch, flows),
    });
  } finally {
    progress.end();
  }
}

const DEFAULT_SINCE = '14d';

async function ofStore(values: Values, config: Config, world: World): Promise<History | null> {
  if (values.source !== undefined) throw new UsageError('--source is for files: a store knows its flows');
  if (values.from.length > 1) throw new UsageError('one store at a time: give --from once');
  const sinceMs = parseDuration(values.since ?? DEFAULT_SINCE);
  if (sinceMs === null) throw new UsageError(`--since ${values.since}: expected ${durationForm}`);
  const answering = await storeOf(values, world);
  const count = createCount(world, values);
  try {
    const always = { fromMs: null, toMs: null };
    const { oldestMs, newestMs } = (await answering.from.completeness(always)).footer;
    if (oldestMs === null || newestMs === null) return null;
    return await learnFromStore(config, {
      from: answering.from,
      fromMs: Math.max(oldestMs, newestMs - sinceMs),
      toMs: newestMs,
      stop: world.stop,
      told: (flows, timeMs) => count.at(`${countText(flows, 'flow')}, ${timeText(timeMs)}`),
    });
  } finally {
    count.end();
    await answering.close();
  }
}

async function storeOf(
  values: Values,
  world: World,
): Promise<{ readonly from: Forensics; close(): Promise<void> }> {
  const [dir] = values.from;
  if (dir === undefined) return forensics({ config: values.config }, world);
  const store = await openStore({ dir });
  return { from: storeForensics(store), close: () => store.close() };
}
