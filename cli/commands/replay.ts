import { parseArgs } from 'node:util';
import { sources } from '../../collector/registry.ts';
import type { Reject } from '../../pipeline/contracts.ts';
import { WeirError } from '../../pipeline/errors.ts';
import { noMeter } from '../../pipeline/meter.ts';
import { toJson } from '../../sinks/records/json.ts';
import type { Alert } from '../../schema/records.ts';
import { readConfig, type Config } from '../config/index.ts';
import { localRuntime } from '../wire/local.ts';
import { createBoard, type Shared } from '../wire/process.ts';
import { quietLog } from '../wire/quiet-log.ts';
import { collectSink, replayConfig, runToEnd } from '../wire/replay.ts';
import { createJsonLines } from './json-lines.ts';
import { keepReplay } from './kept-replay.ts';
import { lastReplayDir } from './places.ts';
import { createProgress } from './progress.ts';
import { nothingJudged, SHOWN_PLACES, summary } from './replay-summary.ts';
import { exit, UsageError, type Command, type World } from './command.ts';

const usage = `weir replay --source TYPE INPUT... [--alerts FILE] [--flows FILE] [--config FILE] [-q]

Reads flow logs to their end and judges them as if they were live. What was read is kept until the next replay, for
weir search --replayed and weir alerts list --replayed; a running weir, its state and its sinks are not touched.

  INPUT             file, .gz file, 'pattern*', or - for standard input

  --source TYPE     format of the lines: ${Object.keys(sources).join(', ')}
  --alerts FILE     write alerts as JSON Lines; - for standard output
  --flows FILE      write enriched flows as JSON Lines; - for standard output
  --cluster NAME    cluster the logs are of, where they do not say
  --node NAME       machine the logs are of, where they do not say
  --config FILE     take inventory, networks, tenants, scopes and detectors from a configuration
  --no-store        keep nothing to be searched
  -q, --quiet       no progress and no summary`;

export const replay: Command = {
  summary: 'judge flow logs that are already written',
  usage,
  async run(args, world) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        source: { type: 'string' },
        alerts: { type: 'string' },
        flows: { type: 'string' },
        cluster: { type: 'string' },
        node: { type: 'string' },
        config: { type: 'string' },
        'no-store': { type: 'boolean', default: false },
        quiet: { type: 'boolean', short: 'q', default: false },
      },
    });
    if (!values.source)
      throw new UsageError(`--source is missing: one of ${Object.keys(sources).join(', ')}`);
    if (positionals.length === 0)
      throw new UsageError('no input is given: a file, a pattern, or - for standard input');
    const config = configOf({ ...values, source: values.source }, positionals, world);
    const outputs = [values.alerts, values.flows];
    if (outputs.filter((output) => output === '-').length > 1)
      throw new UsageError('only one of --alerts and --flows can go to standard output');
    return judge(
      config,
      {
        alerts: values.alerts ?? null,
        flows: values.flows ?? null,
        quiet: values.quiet,
        kept: values['no-store'] ? null : positionals,
      },
      world,
    );
  },
};

function configOf(
  values: {
    source: string;
    cluster?: string | undefined;
    node?: string | undefined;
    config?: string | undefined;
  },
  inputs: readonly string[],
  world: World,
): Config {
  const own = replayConfig(values, inputs, world.env);
  if (values.config === undefined) return own;
  const base = readConfig(values.config, { env: world.env, role: 'detectors' });
  return {
    ...base,
    kafka: null,
    sources: own.sources.map((source) => ({ ...source, cluster: values.cluster ?? base.cluster })),
  };
}

interface Output {
  readonly alerts: string | null;
  readonly flows: string | null;
  readonly quiet: boolean;
  /** Inputs as they were given, for the head of what is kept of them; null keeps nothing. */
  readonly kept: readonly string[] | null;
}

async function judge(config: Config, output: Output, world: World): Promise<number> {
  const judged = nothingJudged();
  const shared: Shared = {
    cluster: config.cluster,
    clock: world.clock,
    meter: noMeter,
    log: quietLog(world.stderr),
    board: createBoard(),
  };
  const alerts = createJsonLines(output.alerts, world.stdout);
  const flows = createJsonLines(output.flows, world.stdout);
  const kept = output.kept && keepReplay(lastReplayDir(world.env), output.kept, shared);
  const sinks = [
    ...(kept ? [kept.sink] : []),
    collectSink('alerts', 'alert', (items) => {
      for (const { record } of items) judged.alerts.set((record as Alert).id, record as Alert);
      return alerts?.write(items.map((item) => toJson(item.kind, item.record)));
    }),
    ...(flows
      ? [
          collectSink('flows', 'flow', (items) =>
            flows.write(items.map((item) => toJson(item.kind, item.record))),
          ),
        ]
      : []),
  ];
  const reject = ({ reason }: Reject): void => {
    judged.malformed++;
    if (judged.places.length < SHOWN_PLACES) judged.places.push(reason);
  };
  const progress = createProgress(config, world, { quiet: output.quiet });
  const runtime = await localRuntime(
    {
      config,
      sinks,
      stateDir: null,
      follow: false,
      progress(batch, made, rejects) {
        judged.records += batch.lines.length + batch.rejects.length;
        judged.flows += made.length;
        for (const { verdict } of made) judged.verdicts.set(verdict, (judged.verdicts.get(verdict) ?? 0) + 1);
        rejects.forEach(reject);
        progress.read(batch, judged.records);
      },
    },
    shared,
  );
  let isWhole = false;
  try {
    await runToEnd(runtime, shared, world.stop);
    isWhole = !world.stop.aborted;
  } catch (error) {
    if (error instanceof WeirError && error.code === 'origin_unreadable' && judged.records === 0)
      throw new UsageError(`nothing to replay: ${error.message}`);
    throw error;
  } finally {
    await alerts?.close();
    await flows?.close();
    progress.end();
    if (!isWhole) kept?.discard();
  }
  const unkept = isWhole && kept ? await kept.finish() : null;
  if (!output.quiet) {
    world.stderr.write(
      summary(judged, { world, kept: isWhole && kept !== null ? { problem: unkept } : null }),
    );
  }
  if (world.stop.aborted) return exit.failed;
  // Some malformed lines are told above and kept out; nothing but such lines is the wrong format.
  return judged.malformed > 0 && judged.flows === 0 ? exit.partly : exit.fine;
}
