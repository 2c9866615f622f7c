import { parseArgs } from 'node:util';
import { markedDelivery, testAlert, testIncident } from '../../pipeline/marked.ts';
import type { Logger } from '../../pipeline/contracts.ts';
import { PartialWriteError, WeirError, messageOf, type ErrorCode } from '../../pipeline/errors.ts';
import { noMeter } from '../../pipeline/meter.ts';
import { readConfig, type Config, type SinkConfig } from '../config/index.ts';
import { csvLine } from '../format/csv.ts';
import { jsonLine } from '../format/json.ts';
import { safeText } from '../format/text.ts';
import { tableLines, type Column } from '../format/table.ts';
import { spanText } from '../format/units.ts';
import { scrubber } from '../../telemetry/scrub.ts';
import { createBoard, contextOf } from '../wire/process.ts';
import { createSink } from '../wire/sinks.ts';
import { formatOf, formats, paintOf, print, runningProcesses, widthOf } from './ask.ts';
import { exit, UsageError, type Command, type World } from './command.ts';
import { needsConfig } from './places.ts';

const usage = `weir sinks list [--config FILE] [--format table|json|csv]
weir sinks test NAME [--config FILE]

Where records go.

  list              the sinks of the configuration, with what each is sent
  test NAME         sends one event to that sink and shows what came back. It is an alert (an incident, where the sink is
                    sent incidents and no alerts) of severity info whose detector is 'test'; filters are not asked.
                    Exits with 1 when it was refused, with 4 when nobody answers.
  --config FILE     configuration
  --format FORMAT   table, json (one object a line) or csv`;

export const sinks: Command = {
  summary: 'list the sinks, send one a test event',
  usage,
  async run(args, world) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { config: { type: 'string' }, format: { type: 'string' } },
    });
    const [action = 'list', name, ...more] = positionals;
    if (action !== 'list' && action !== 'test')
      throw new UsageError(`there is no 'sinks ${action}': expected list or test`);
    if (more.length > 0 || (action === 'test' ? name === undefined : name !== undefined))
      throw new UsageError(
        `sinks ${action}: expected ${action === 'test' ? 'the name of one sink' : 'no name'}`,
      );
    const file = needsConfig(values.config, world.env);
    const config = readConfig(file, {
      env: world.env,
      ...(action === 'list' ? { withoutSecrets: true } : {}),
    });
    if (action === 'list') return list(config, formatOf(values.format, formats), world);
    const sink = config.sinks.find((each) => each.name === name);
    if (!sink) {
      const known = config.sinks.map((each) => each.name).join(', ');
      throw new UsageError(
        `there is no sink '${name}' in ${file}: expected ${known === '' ? 'a sink' : known}`,
      );
    }
    return test(sink, config, { asked: values.config, world });
  },
};

const recordsOf = ({ records }: SinkConfig): string =>
  Object.entries(records)
    .map(([kind, { where }]) => (where === null ? kind : `${kind} (${where})`))
    .join(', ');

const columns: readonly Column<SinkConfig>[] = [
  { title: 'NAME', text: ({ name }) => name, shrink: false },
  { title: 'TYPE', text: ({ type }) => type, shrink: false },
  { title: 'TENANT', text: ({ tenant }) => tenant, shrink: false },
  { title: 'RECORDS', text: (sink) => safeText(recordsOf(sink)), min: 20 },
];

async function list({ sinks: all }: Config, format: (typeof formats)[number], world: World): Promise<number> {
  if (format === 'json') {
    const lines = all.map(({ name, type, tenant, records, heartbeatMs }) =>
      jsonLine({ name, type, tenant, records, heartbeatMs }),
    );
    await print(world, lines.join(''));
  } else if (format === 'csv') {
    const rows = all.map((sink) => csvLine(columns.map(({ text }) => text(sink) ?? '')));
    await print(world, [csvLine(columns.map(({ title }) => title.toLowerCase())), ...rows].join(''));
  } else if (all.length === 0) await print(world, 'No sinks are configured.\n');
  else {
    const table = tableLines(columns, all, { width: widthOf(world), colours: paintOf(world) });
    await print(world, `${table.join('\n')}\n`);
  }
  return exit.fine;
}

/** Codes that say that nobody answered, or not one who can be trusted. */
const unreached: readonly ErrorCode[] = ['sink_unavailable', 'tls_invalid', 'not_connected'];

async function test(
  config: SinkConfig,
  { cluster, secrets }: Config,
  { asked, world }: { readonly asked: string | undefined; readonly world: World },
): Promise<number> {
  if (config.type === 'store')
    throw new UsageError(`${config.name} is a store: weir check proves that it can be written`);
  if (config.type === 'file' && (await isRunning(asked, world)))
    throw new UsageError(
      `${config.name}: the running weir writes that file; two writers would mix their lines`,
    );
  const { clock } = world;
  const paint = paintOf(world);
  const shared = { cluster, clock, meter: noMeter, log: tellingLog(world, secrets), board: createBoard() };
  const about = { cluster, sink: config.name, tenant: config.tenant };
  const isIncident = config.records.alert === undefined && config.records.incident !== undefined;
  const item = isIncident
    ? markedDelivery('incident', testIncident(about, clock.now()))
    : markedDelivery('alert', testAlert(about, clock.now()));
  await print(world, `${config.name} (${config.type}): one ${item.kind}, id ${item.record.id}\n`);
  const sink = await createSink(config, contextOf(shared, config.name));
  const begunMs = clock.now();
  try {
    await sink.start?.(world.stop);
    await sink.write([item], world.stop);
    await print(world, `${paint.green('Delivered')} in ${spanText(clock.now() - begunMs)}.\n`);
    return exit.fine;
  } catch (error) {
    const refusal = error instanceof PartialWriteError ? error.refusals[0] : undefined;
    const code = refusal?.code ?? (error instanceof WeirError ? error.code : null);
    const fate =
      code === null
        ? ''
        : (refusal?.retryable ?? (error as WeirError).retryable)
          ? ' A record would be tried again.'
          : ' A record would go to the dead letter.';
    const { why } = scrubber(secrets)({ why: refusal?.reason ?? messageOf(error) });
    await print(
      world,
      `${paint.red('Not delivered')}: ${safeText(String(why))}${code === null ? '' : ` [${code}]`}.${fate}\n`,
    );
    return code !== null && unreached.includes(code) ? exit.notConnected : exit.failed;
  } finally {
    await sink.stop?.(world.stop);
  }
}

/** What a sink logs is what came back: answers are told at level debug. */
function tellingLog(world: World, secrets: readonly string[]): Logger {
  const scrub = scrubber(secrets);
  const tell = (fields: object, message: string): void => {
    const details = Object.entries(scrub({ ...fields }))
      .filter(([key]) => key !== 'sink')
      .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
    world.stdout.write(`  ${safeText(`${message}${details.length > 0 ? `: ${details.join(' ')}` : ''}`)}\n`);
  };
  return { debug: tell, info: tell, warn: tell, error: tell };
}

async function isRunning(asked: string | undefined, world: World): Promise<boolean> {
  return runningProcesses(asked, world).then(
    () => true,
    () => false,
  );
}
