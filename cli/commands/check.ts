import { mkdtemp, rm, writeFile, readFile } from 'node:fs/promises';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../pipeline/errors.ts';
import { comparisonOf } from '../wire/bulk-sinks.ts';
import type { Delivery } from '../../pipeline/contracts.ts';
import { digest } from '../../schema/ids.ts';
import { newAccess, type Access } from '../../schema/records.ts';
import { noMeter } from '../../pipeline/meter.ts';
import { createEnricher } from '../../enricher/index.ts';
import { readConfig, type Config, type SinkConfig, type SourceConfig } from '../config/index.ts';
import { unreadable } from '../../collector/inputs/file/access.ts';
import { safeText } from '../format/text.ts';
import { countText, spanText } from '../format/units.ts';
import { storeOptions } from '../wire/daemon.ts';
import { createSink } from '../wire/sinks.ts';
import { createInput } from '../wire/sources.ts';
import { contextOf, createBoard, type Shared } from '../wire/process.ts';
import { silentLog } from '../wire/quiet-log.ts';
import { viewOf } from '../wire/sinks.ts';
import { exit, type Command, type World } from './command.ts';
import { paintOf, print } from './ask.ts';
import { needsConfig } from './places.ts';

const usage = `weir check [--config FILE]

Tries a configuration and everything it points to: files and topics can be read; the state directory, Kafka and
Elasticsearch give back the record that this check writes; topics and templates are as weir setup makes them; rights are
there for every kind of record a sink is sent; clocks agree. A sink is sent the record, which is an audit record, only
where its records name access. Exits with 3 when something is wrong.`;

/** One thing that was tried. */
interface Finding {
  readonly what: string;
  readonly problem: string | null;
  /** What else was learned; null for nothing. */
  readonly note: string | null;
}

/** A clock that is further off than this puts flows into the wrong place in time. */
const MAX_CLOCK_MS = 2000;
/** Longer than the refresh interval of the templates. */
const SEARCHABLE_MS = 20_000;

export const check: Command = {
  summary: 'try everything the configuration points to',
  usage,
  async run(args, world) {
    const { values } = parseArgs({ args: [...args], options: { config: { type: 'string' } } });
    const config = readConfig(needsConfig(values.config, world.env), { env: world.env });
    const paint = paintOf(world);
    let problems = 0;
    await print(world, `${paint.green('ok')}    ${config.file ?? 'configuration'}\n`);
    for await (const { what, problem, note } of findings(config, world)) {
      if (problem !== null) problems++;
      const mark = problem === null ? `${paint.green('ok')}  ` : paint.red('FAIL');
      const more = note === null ? '' : paint.dim(` (${safeText(note)})`);
      const why = problem === null ? '' : `\n      ${safeText(problem)}`;
      await print(world, `${mark}  ${safeText(what)}${more}${why}\n`);
    }
    const verdict = problems === 0 ? 'Everything is as it should be.' : `${countText(problems, 'problem')}.`;
    await print(world, `\n${problems === 0 ? paint.green(verdict) : paint.red(verdict)}\n`);
    return problems > 0 ? exit.finding : exit.fine;
  },
};

async function* findings(config: Config, world: World): AsyncGenerator<Finding> {
  const shared: Shared = {
    cluster: config.cluster,
    clock: world.clock,
    meter: noMeter,
    log: silentLog,
    board: createBoard(),
  };
  const probe = auditRecord(config.cluster, world.clock.now());
  yield await tried(`state directory ${config.state.dir}: written and read back`, () =>
    stateProbe(config.state.dir),
  );
  for (const source of config.sources)
    yield await tried(`source ${source.name}: ${placeOf(source)}`, () =>
      readable(source, shared, config, world.stop),
    );
  yield await tried('inventory, networks, tenants and scopes', async () => {
    const enricher = await createEnricher(config.enricher, shared);
    await enricher.start(world.stop);
    await enricher.stop();
  });
  for (const sink of config.sinks)
    yield await tried(`sink ${sink.name}: filters`, () => {
      viewOf(sink);
    });
  if (config.kafka) yield* kafkaFindings(config.kafka, shared, probe, world.stop);
  for (const sink of config.sinks) {
    if (sink.type === 'store')
      yield await tried(`sink ${sink.name} (store): written and read back`, () =>
        stateProbe(storeOptions(config, sink).dir),
      );
    else yield* sinkFindings(sink, shared, probe, world.stop);
  }
  // Without credentials it is only what links name: people reach it, this machine need not.
  const { kibana } = config;
  if (kibana?.auth)
    yield await tried(`kibana ${kibana.url}: reached`, async () => {
      const { kibana: kibanaAt } = await import('../../dashboards/kibana/client.ts');
      const far = kibanaAt(kibana);
      try {
        return `Kibana ${await far.version(world.stop)}`;
      } finally {
        await far.close();
      }
    });
}

async function tried(what: string, attempt: () => Promise<string | void> | string | void): Promise<Finding> {
  try {
    return { what, problem: null, note: (await attempt()) ?? null };
  } catch (error) {
    return { what, problem: messageOf(error), note: null };
  }
}

async function* kafkaFindings(
  options: NonNullable<Config['kafka']>,
  shared: Shared,
  record: Access,
  stop: AbortSignal,
): AsyncGenerator<Finding> {
  const { createKafkaLog } = await import('../../transport/kafka/index.ts');
  const { probe } = await import('../../transport/kafka/probe.ts');
  const log = createKafkaLog(options, contextOf(shared, 'check'));
  const kafka = `kafka ${options.brokers.join(', ')}`;
  try {
    const reached = await tried(`${kafka}: topics`, () => log.start(stop));
    yield reached;
    if (reached.problem !== null) return;
    let clock: { offMs: number; slackMs: number } | null = null;
    yield await tried(`${kafka}: a record of this check written and read back`, async () => {
      const { clockMs, tookMs } = await probe(
        { options, log, logger: shared.log, clock: shared.clock },
        record,
      );
      clock = { offMs: clockMs, slackMs: tookMs };
    });
    const found = clock as { offMs: number; slackMs: number } | null;
    if (found) yield await tried(`${kafka}: clock`, () => clockNote(found.offMs, found.slackMs));
  } finally {
    await log.stop().catch(() => {});
  }
}

async function* sinkFindings(
  sink: SinkConfig,
  shared: Shared,
  record: Access,
  stop: AbortSignal,
): AsyncGenerator<Finding> {
  const name = `sink ${sink.name} (${sink.type})`;
  const isSent = sink.records.access !== undefined;
  const reached = await tried(`${name}: reached and prepared`, async () => {
    const made = await createSink(sink, contextOf(shared, sink.name));
    try {
      await made.start?.(stop);
      // Who sees who searched also sees who checked; and only a write proves the right to write.
      if (isSent) await made.write([delivery(record)], stop);
    } finally {
      await made.stop?.(stop);
    }
  });
  yield reached;
  if (reached.problem !== null) return;
  const far = await comparisonOf(sink);
  if (far === null) return;
  const { clock } = shared;
  const notAllowed = 'not asked: these credentials may not, and a sink need not';
  try {
    yield await tried(`${name}: templates`, async () => {
      const wrong = await far.templates(stop);
      if (wrong && wrong.length > 0) throw new Error(`${wrong.join('; ')}: run weir setup ${sink.type}`);
      return wrong === null ? notAllowed : undefined;
    });
    yield await tried(`${name}: rights`, async () => {
      const missing = await far.missingRights(Object.keys(sink.records), stop);
      if (missing && missing.length > 0) throw new Error(`the credentials lack ${missing.join(', ')}`);
      return missing === null ? 'not asked: no security is enabled there' : undefined;
    });
    yield await tried(`${name}: clock`, async () => {
      const begunMs = clock.now();
      const offMs = await far.clockMs(clock, stop);
      return offMs === null ? notAllowed : clockNote(offMs, clock.now() - begunMs);
    });
    if (isSent)
      yield await tried(`${name}: the record of this check read back`, async () => {
        const isFound = await far.isFound('access', record.id, {
          clock,
          waitMs: SEARCHABLE_MS,
          signal: stop,
        });
        if (isFound === false)
          throw new Error(`it was taken, and is not found ${spanText(SEARCHABLE_MS)} later`);
        return isFound === null ? notAllowed : undefined;
      });
  } finally {
    await far.close();
  }
}

/** How far a clock is off. Throws when that is more than the time the question took can explain. */
function clockNote(offMs: number, slackMs: number): string {
  const size = spanText(Math.abs(Math.round(offMs)));
  const text = `${size} ${offMs < 0 ? 'behind' : 'ahead of'} this machine's`;
  if (Math.abs(offMs) > MAX_CLOCK_MS + slackMs)
    throw new Error(
      `its clock is ${text}: events will be in the wrong place in time until both are set by NTP`,
    );
  return text;
}

/** The mark that a check leaves: a record of the audit trail, as every look at the data is one. */
function auditRecord(cluster: string, timeMs: number): Access {
  const record = newAccess({
    id: digest(22, 'check', process.pid, timeMs),
    timeMs,
    user: 'local',
    action: 'check',
    detail: 'weir check proves that records can be written',
  });
  record.cluster = cluster;
  return record;
}

const delivery = (record: Access): Delivery => ({
  kind: 'access',
  record,
  topic: 'access',
  partition: 0,
  offset: 0,
  bytes: null,
});

/** A directory may exist and still be full or read-only: only writing and reading back proves it. */
async function stateProbe(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const probe = await mkdtemp(join(directory, 'check-'));
  try {
    const mark = `weir check ${process.pid}`;
    await writeFile(join(probe, 'probe'), mark);
    if ((await readFile(join(probe, 'probe'), 'utf8')) !== mark)
      throw new Error('what was written is not what was read');
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}

function placeOf({ type, input }: SourceConfig): string {
  const { path, topic } = input.options as { path?: string | string[]; topic?: string };
  return `${type} from ${input.type} ${[path ?? topic ?? ''].flat().join(', ')}`.trim();
}

/** Paths without patterns must be there and readable; patterns may match later. Other inputs are started. */
async function readable(
  { name, input, cluster }: SourceConfig,
  shared: Shared,
  { kafka }: Config,
  stop: AbortSignal,
): Promise<void> {
  if (input.type === 'file') {
    const { path } = input.options as { path: string | string[] };
    for (const each of [path].flat())
      if (!/[*?[]/.test(each))
        try {
          accessSync(each, constants.R_OK);
        } catch (error) {
          throw unreadable(each, error);
        }
  } else if (input.type !== 'stdin') {
    const context = { ...contextOf(shared, name, cluster), follow: true, known: () => [] };
    const made = await createInput(input, kafka ? { ...context, kafka } : context);
    try {
      await made.start?.(stop);
    } finally {
      await made.stop?.(stop);
    }
  }
}
