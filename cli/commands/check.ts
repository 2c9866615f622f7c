import { mkdtemp, rm, writeFile, readFile } from 'node:fs/promises';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../pipeline/errors.ts';
import type { Delivery } from '../../pipeline/contracts.ts';
import { digest } from '../../schema/ids.ts';
import { newAccess, type Access } from '../../schema/records.ts';
import { noMeter } from '../../pipeline/meter.ts';
import { createEnricher } from '../../enricher/index.ts';
import { readConfig, type Config, type SourceConfig } from '../config/index.ts';
import { createSink } from '../wire/sinks.ts';
import { contextOf, createBoard, type Shared } from '../wire/process.ts';
import { quietLog } from '../wire/quiet-log.ts';
import { viewOf } from '../wire/sinks.ts';
import { exit, type Command, type World } from './command.ts';
import { paintOf, print } from './ask.ts';
import { needsConfig } from './places.ts';

const usage = `weir check [--config FILE]

Checks a configuration and everything it points to: files can be read, the state directory holds what is
written, Kafka's topics are as they should be and take a record, every sink can be reached and is prepared, and
those that get audit records take one of this check. Exits with 3 when something is wrong.`;

/** One thing that was tried. */
interface Finding {
  readonly what: string;
  readonly problem: string | null;
}

export const check: Command = {
  summary: 'try everything the configuration points to',
  usage,
  async run(args, world) {
    const { values } = parseArgs({ args: [...args], options: { config: { type: 'string' } } });
    const config = readConfig(needsConfig(values.config, world.env), { env: world.env });
    const paint = paintOf(world);
    let problems = 0;
    await print(world, `${paint.green('ok')}    ${config.file ?? 'configuration'}\n`);
    for await (const { what, problem } of findings(config, world)) {
      if (problem !== null) problems++;
      const mark = problem === null ? paint.green('ok') : paint.red('FAIL');
      await print(
        world,
        `${mark}${problem === null ? '  ' : ''}  ${what}${problem === null ? '' : `\n      ${problem}`}\n`,
      );
    }
    return problems > 0 ? exit.finding : exit.fine;
  },
};

async function* findings(config: Config, world: World): AsyncGenerator<Finding> {
  const shared: Shared = {
    cluster: config.cluster,
    clock: world.clock,
    meter: noMeter,
    log: quietLog(world.stderr),
    board: createBoard(),
  };
  const probe = auditRecord(config.cluster, world.clock.now());
  const tried = async (what: string, attempt: () => Promise<void> | void): Promise<Finding> => {
    try {
      await attempt();
      return { what, problem: null };
    } catch (error) {
      return { what, problem: messageOf(error) };
    }
  };
  yield await tried(`state directory ${config.state.dir}: written and read back`, () =>
    stateProbe(config.state.dir),
  );
  for (const source of config.sources)
    yield await tried(`source ${source.name}: ${placeOf(source)}`, () => readable(source));
  yield await tried('inventory, networks, tenants and scopes', async () => {
    const enricher = await createEnricher(config.enricher, shared);
    await enricher.start(world.stop);
    await enricher.stop();
  });
  for (const sink of config.sinks)
    yield await tried(`sink ${sink.name}: filters`, () => {
      viewOf(sink);
    });
  if (config.kafka) {
    const { createKafkaLog } = await import('../../transport/kafka/index.ts');
    const log = createKafkaLog(config.kafka, contextOf(shared, 'check'));
    const brokers = config.kafka.brokers.join(', ');
    const reached = await tried(`kafka ${brokers}: topics`, () => log.start(world.stop));
    yield reached;
    if (reached.problem === null)
      yield await tried(`kafka ${brokers}: an audit record of this check is taken`, () =>
        log.append('access', [{ partition: 0, key: null, value: probe }]),
      );
    await log.stop().catch(() => {});
  }
  for (const sink of config.sinks) {
    if (sink.type === 'store') continue;
    yield await tried(`sink ${sink.name} (${sink.type}): reached and prepared`, async () => {
      const made = await createSink(sink, contextOf(shared, sink.name));
      try {
        await made.start?.(world.stop);
        // Who sees who searched also sees who checked; and only a write proves the right to write.
        if (sink.records.access) await made.write([delivery(probe)], world.stop);
      } finally {
        await made.stop?.(world.stop);
      }
    });
  }
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

/** Paths without patterns must be there and readable; patterns may match later. */
function readable({ input }: SourceConfig): void {
  if (input.type !== 'file') return;
  const { path } = input.options as { path: string | string[] };
  for (const each of [path].flat()) if (!/[*?[]/.test(each)) accessSync(each, constants.R_OK);
}
