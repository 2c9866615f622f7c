import { statSync } from 'node:fs';
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
import { exit, UsageError, type Command, type World } from './command.ts';

const usage = `weir replay --source TYPE INPUT... [--alerts FILE] [--flows FILE] [--config FILE] [-q]

Reads flow logs to their end, as live but on nothing but memory, and judges them.

  --source TYPE     format of the lines: ${Object.keys(sources).join(', ')}
  --alerts FILE     write alerts as JSON Lines; - for standard output
  --flows FILE      write enriched flows as JSON Lines; - for standard output
  --cluster NAME    cluster the logs are of, where they do not say
  --node NAME       machine the logs are of, where they do not say
  --config FILE     take inventory, networks, tenants, scopes and detectors from a configuration
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
      { alerts: values.alerts ?? null, flows: values.flows ?? null, quiet: values.quiet },
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

interface Judged {
  records: number;
  flows: number;
  readonly verdicts: Map<string, number>;
  readonly alerts: Map<string, Alert>;
  malformed: number;
  readonly places: string[];
}

const SHOWN_PLACES = 5;

async function judge(
  config: Config,
  output: { alerts: string | null; flows: string | null; quiet: boolean },
  world: World,
): Promise<number> {
  const judged: Judged = {
    records: 0,
    flows: 0,
    verdicts: new Map(),
    alerts: new Map(),
    malformed: 0,
    places: [],
  };
  const shared: Shared = {
    cluster: config.cluster,
    clock: world.clock,
    meter: noMeter,
    log: quietLog(world.stderr),
    board: createBoard(),
  };
  const alerts = createJsonLines(output.alerts, world.stdout);
  const flows = createJsonLines(output.flows, world.stdout);
  const sinks = [
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
  const progress = createProgress(config, world, output.quiet);
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
        progress(judged.records);
      },
    },
    shared,
  );
  try {
    await runToEnd(runtime, shared, world.stop);
  } catch (error) {
    if (error instanceof WeirError && error.code === 'origin_unreadable' && judged.records === 0)
      throw new UsageError(`nothing to replay: ${error.message}`);
    throw error;
  } finally {
    await alerts?.close();
    await flows?.close();
  }
  progress(null);
  if (!output.quiet) world.stderr.write(summary(judged));
  if (world.stop.aborted) return exit.failed;
  // Some malformed lines are told above and kept out; nothing but such lines is the wrong format.
  return judged.malformed > 0 && judged.flows === 0 ? exit.partly : exit.fine;
}

function summary(judged: Judged): string {
  const verdicts = [...judged.verdicts]
    .sort((a, b) => b[1] - a[1])
    .map(([verdict, count]) => `${count} ${verdict}`);
  const severities = new Map<string, number>();
  for (const { severity } of judged.alerts.values())
    severities.set(severity, (severities.get(severity) ?? 0) + 1);
  const lines = [
    `records    ${judged.records}`,
    `flows      ${judged.flows}${verdicts.length > 0 ? ` (${verdicts.join(', ')})` : ''}`,
    `alerts     ${judged.alerts.size}${severities.size > 0 ? ` (${[...severities].map(([s, n]) => `${n} ${s}`).join(', ')})` : ''}`,
  ];
  for (const alert of judged.alerts.values()) {
    if (lines.length > 23) {
      lines.push(`  … and ${judged.alerts.size - 20} more`);
      break;
    }
    lines.push(`  ${alert.severity.padEnd(8)} ${alert.detector.padEnd(14)} ${alert.why.summary}`);
  }
  lines.push(`malformed  ${judged.malformed}`);
  for (const place of judged.places) lines.push(`  ${place}`);
  return `${lines.join('\n')}\n`;
}

/** Share of the input read so far, on a terminal only. */
function createProgress(config: Config, world: World, quiet: boolean): (records: number | null) => void {
  if (quiet || !world.stderr.isTTY) return () => {};
  let bytes = 0;
  for (const { input } of config.sources) {
    const { path } = input.options as { path?: string };
    try {
      if (path) bytes += statSync(path).size;
    } catch {
      // A pattern: its size is not known before it is read.
    }
  }
  const begunMs = world.clock.now();
  let shownMs = 0;
  return (records) => {
    const nowMs = world.clock.now();
    if (records !== null && nowMs - shownMs < 200) return;
    shownMs = nowMs;
    const perSecond = Math.round((records ?? 0) / Math.max(0.001, (nowMs - begunMs) / 1000));
    world.stderr.write(
      records === null
        ? '\r\u001b[K'
        : `\r\u001b[K${records} records, ${perSecond}/s of ${(bytes / 1e6).toFixed(1)} MB`,
    );
  };
}
