import { parseArgs } from 'node:util';
import { compileQuery } from '../../query/index.ts';
import type { Flow } from '../../schema/records.ts';
import type { Completeness } from '../api/forensics.ts';
import { csvLine } from '../format/csv.ts';
import { jsonLine } from '../format/json.ts';
import {
  endpointBrief,
  endpointText,
  policyText,
  protocolText,
  verdictStyle,
  verdictText,
} from '../format/records.ts';
import { columnsFor, fit, tableLines, type Column } from '../format/table.ts';
import { countText, timeText } from '../format/units.ts';
import { exit, type Command, type World } from './command.ts';
import {
  askedOptions,
  askedUsage,
  forensics,
  formatOf,
  formats,
  limitOf,
  paintOf,
  print,
  widthOf,
  type Format,
} from './ask.ts';
import { rangeOf, rangeOptions, rangeUsage } from './range.ts';

const usage = `weir search [QUERY] [--since 24h] [--format table|json|csv]

Flows that fit, newest first.

  QUERY             such as 'source.namespace : "shop" and verdict : deny'; all flows when absent
${rangeUsage('24h')}
  --talked-to WHO   address, network, pod, workload, or namespace/name, on either side
  --limit N         at most so many (default 200 as a table, all otherwise)
  --format FORMAT   table, json (one object a line) or csv
${askedUsage}`;

const TABLE_LIMIT = 200;
const DEFAULT_SINCE_MS = 86_400_000;

export const search: Command = {
  summary: 'find flows in the store',
  usage,
  async run(args, world) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...rangeOptions,
        'talked-to': { type: 'string' },
        limit: { type: 'string' },
        format: { type: 'string' },
        ...askedOptions,
      },
    });
    const query = positionals.join(' ');
    compileQuery('flow', query);
    const format = formatOf(values.format, formats);
    const limit = limitOf(values.limit, format === 'table' ? TABLE_LIMIT : null);
    const nowMs = world.clock.now();
    rangeOf(values, nowMs, DEFAULT_SINCE_MS);
    const answering = await forensics(values, world);
    try {
      const range = rangeOf(values, nowMs, answering.replayed ? null : DEFAULT_SINCE_MS);
      const flows = answering.from.flows({ query, talkedTo: values['talked-to'] ?? null, limit, ...range });
      const shown = await show(flows, format, world, answering.banner);
      if (format === 'table') await footer(await answering.from.completeness(range), { shown, limit }, world);
      return exit.fine;
    } finally {
      await answering.close();
    }
  },
};

const columns: readonly Column<Flow>[] = [
  {
    title: 'TIME',
    text: (flow) => timeText(flow.endMs, { millis: true }),
    brief: (flow) => timeText(flow.endMs),
    shrink: false,
  },
  {
    title: 'VERDICT',
    text: (flow) => verdictText(flow.verdict),
    style: (flow, paint) => verdictStyle(flow.verdict, paint),
    shrink: false,
  },
  { title: 'PROTO', text: (flow) => protocolText(flow.protocol), shrink: false, dispensable: 2 },
  {
    title: 'SOURCE',
    text: (flow) => endpointText(flow.source),
    brief: (flow) => endpointBrief(flow.source),
    min: 13,
  },
  {
    title: 'DESTINATION',
    text: (flow) => endpointText(flow.destination),
    brief: (flow) => endpointBrief(flow.destination),
    min: 13,
  },
  {
    title: 'POLICY',
    text: (flow) => policyText(flow.policies),
    min: 12,
    style: (_flow, paint) => paint.dim,
    dispensable: 1,
  },
];

const csvColumns: readonly (readonly [string, (flow: Flow) => string | number | boolean | null])[] = [
  ['time', (flow) => new Date(flow.endMs).toISOString()],
  ['start', (flow) => new Date(flow.startMs).toISOString()],
  ['verdict', (flow) => flow.verdict],
  ['protocol', (flow) => flow.protocol],
  ...(['source', 'destination'] as const).flatMap((side) =>
    (['ip', 'port', 'kind', 'namespace', 'pod', 'workload', 'node', 'tenant'] as const).map(
      (field) => [`${side}.${field}`, (flow: Flow) => flow[side][field]] as const,
    ),
  ),
  ['policy', (flow) => policyText(flow.policies)],
  ['dropReason', (flow) => flow.dropReason],
  ['sourceBytes', (flow) => flow.sourceBytes],
  ['destinationBytes', (flow) => flow.destinationBytes],
  ['cluster', (flow) => flow.cluster],
  ['node', (flow) => flow.node],
  ['id', (flow) => flow.id],
];

function fitted(
  page: readonly Flow[],
  width: number | null,
): { columns: readonly Column<Flow>[]; widths: number[] } {
  const shown = columnsFor(columns, page, width);
  return { columns: shown, widths: fit(shown, page, width) };
}

/** Prints page by page, so that memory does not grow with the answer. */
async function show(
  pages: AsyncIterable<readonly Flow[]>,
  format: Format,
  world: World,
  banner: string,
): Promise<number> {
  const colours = paintOf(world);
  const width = widthOf(world);
  let fitting: { columns: readonly Column<Flow>[]; widths: number[] } | null = null;
  let shown = 0;
  if (format === 'csv') await print(world, csvLine(csvColumns.map(([title]) => title)));
  if (format === 'table' && banner) await print(world, `${banner}\n`);
  for await (const page of pages) {
    shown += page.length;
    if (format === 'json') await print(world, page.map(jsonLine).join(''));
    else if (format === 'csv')
      await print(world, page.map((flow) => csvLine(csvColumns.map(([, of]) => of(flow)))).join(''));
    else {
      const header = fitting === null;
      fitting ??= fitted(page, width);
      const lines = tableLines(fitting.columns, page, { width, colours, widths: fitting.widths, header });
      await print(world, `${lines.join('\n')}\n`);
    }
  }
  return shown;
}

async function footer(
  { footer: reach, losses }: Completeness,
  { shown, limit }: { shown: number; limit: number | null },
  world: World,
): Promise<void> {
  const paint = paintOf(world);
  const lines = [
    shown === limit
      ? `${countText(shown, 'flow')}, the newest; --limit shows more`
      : countText(shown, 'flow'),
  ];
  if (reach.oldestMs === null) lines.push('the store is empty');
  else if (reach.beginsBeforeStore)
    lines.push(`the store begins at ${timeText(reach.oldestMs)}: what was before is not in it`);
  if (reach.sampledFlows > 0)
    lines.push(`sampled: ${countText(reach.sampledFlows, 'flow')} of that time stand for more than was seen`);
  lines.push(...lossTexts(losses));
  await print(world, lines.map((line) => `${paint.dim(line)}\n`).join(''));
}

/** What is missing in that time, a line for each reason. */
function lossTexts(losses: Completeness['losses']): string[] {
  const reasons = new Map<string, { known: number; unknown: number }>();
  for (const { why, count } of losses) {
    const sum = reasons.get(why) ?? { known: 0, unknown: 0 };
    if (count === null) sum.unknown++;
    else sum.known += count;
    reasons.set(why, sum);
  }
  return [...reasons].map(([why, { known, unknown }]) => {
    // What is late was not judged in its order, but it is in the store like all else.
    if (why === 'late')
      return `late: ${countText(known, 'flow')} came after that time was judged; all are here`;
    const some = unknown > 0 ? countText(unknown, 'gap of unknown size', 'gaps of unknown size') : null;
    const counted = known > 0 || some === null ? countText(known, 'record') : null;
    return `not complete: ${[counted, some].filter((part) => part !== null).join(' and ')} lost (${why.replaceAll('_', ' ')})`;
  });
}
