import { parseArgs } from 'node:util';
import { compileQuery } from '../../query/index.ts';
import type { Alert } from '../../schema/records.ts';
import { csvLine } from '../format/csv.ts';
import { jsonLine } from '../format/json.ts';
import { severityStyle } from '../format/records.ts';
import type { Style } from '../format/colours.ts';
import { safeText, wrap } from '../format/text.ts';
import { tableLines, type Column } from '../format/table.ts';
import { countText, numberText, spanText, timeText } from '../format/units.ts';
import { exit, UsageError, type Command, type World } from './command.ts';
import {
  askedOptions,
  askedUsage,
  forensics,
  formatOf,
  formats,
  limitOf,
  paintOf,
  print,
  treeFormats,
  widthOf,
  type Format,
} from './ask.ts';
import { printStats } from './alert-stats.ts';
import { withPlainId } from './plain-id.ts';
import { rangeOf, rangeOptions, rangeUsage } from './range.ts';
import { showRecord } from './show-record.ts';

const usage = `weir alerts list [QUERY] [--since 7d] [--format table|json|csv]
weir alerts show ID
weir alerts [QUERY] --stats

What the detectors found, newest first.

  QUERY             such as 'severity >= medium and detector : port_scan'
${rangeUsage('7d')}
  --stats           rules by the number of their alerts, and the share that was suppressed
  --limit N         at most so many (default 100)
  --format FORMAT   table, json (one object a line) or csv (list only)
${askedUsage}`;

const DEFAULT_SINCE_MS = 7 * 86_400_000;

export const alerts: Command = {
  summary: 'list alerts, show one',
  usage,
  async run(args, world) {
    const { values, positionals } = parseArgs({
      args: withPlainId(args),
      allowPositionals: true,
      options: {
        ...rangeOptions,
        limit: { type: 'string' },
        stats: { type: 'boolean' },
        format: { type: 'string' },
        ...askedOptions,
      },
    });
    const isStats = values.stats === true;
    // A query may follow at once, where nothing else is to be done.
    const given = isStats && positionals[0] !== 'list' ? ['list', ...positionals] : positionals;
    const [action = 'list', ...rest] = given;
    if (action !== 'list' && action !== 'show')
      throw new UsageError(`there is no 'alerts ${action}': expected list or show`);
    const where = action === 'list' ? rest.join(' ') : '';
    compileQuery('alert', where);
    const format = formatOf(values.format, action === 'list' ? formats : treeFormats);
    const answering = await forensics(values, world);
    try {
      if (action === 'show')
        return await showRecord(
          { name: 'alert', revisions: (id) => answering.from.alert(id), details },
          rest[0],
          { format, banner: answering.banner },
          world,
        );
      const range = rangeOf(values, world.clock.now(), answering.replayed ? null : DEFAULT_SINCE_MS);
      const found = await answering.from.alerts({
        where,
        limit: limitOf(values.limit, isStats ? null : 100),
        ...range,
      });
      if (isStats) await printStats(found, format, world, answering.banner);
      else await list(found, format, world, answering.banner);
      return exit.fine;
    } finally {
      await answering.close();
    }
  },
};

const columns: readonly Column<Alert>[] = [
  { title: 'LAST', text: (alert) => timeText(alert.lastMs), shrink: false, dispensable: 1 },
  {
    title: 'SEVERITY',
    text: (alert) => alert.severity,
    style: (alert, paint) => severityStyle(alert.severity, paint),
    shrink: false,
  },
  { title: 'DETECTOR', text: (alert) => alert.detector, shrink: false, dispensable: 2 },
  { title: 'FLOWS', text: (alert) => numberText(alert.count), align: 'right', shrink: false, dispensable: 3 },
  { title: 'WHAT', text: (alert) => alert.why.summary, min: 16 },
  { title: 'ID', text: (alert) => alert.id, shrink: false },
];

async function list(found: readonly Alert[], format: Format, world: World, banner: string): Promise<void> {
  if (format === 'json') return print(world, found.map(jsonLine).join(''));
  if (format === 'csv') {
    const rows = found.map((alert) =>
      csvLine([
        new Date(alert.lastMs).toISOString(),
        alert.severity,
        alert.detector,
        alert.count,
        alert.entity.key,
        alert.why.summary,
        alert.id,
      ]),
    );
    return print(
      world,
      csvLine(['last', 'severity', 'detector', 'flows', 'entity', 'summary', 'id']) + rows.join(''),
    );
  }
  const lines =
    found.length === 0 ? [] : tableLines(columns, found, { width: widthOf(world), colours: paintOf(world) });
  await print(
    world,
    `${banner ? `${banner}\n` : ''}${[...lines, paintOf(world).dim(countText(found.length, 'alert'))].join('\n')}\n`,
  );
}

/** Everything a person needs to decide what to do, in the order it is asked. */
function details(revisions: readonly Alert[], world: World): string {
  const alert = revisions.at(-1)!;
  const paint = paintOf(world);
  const width = widthOf(world);
  const rows: [string, string, Style?][] = [
    ['what', alert.why.summary],
    ['severity', `${alert.severity}, score ${alert.score.toFixed(2)}`, severityStyle(alert.severity, paint)],
    ['about', `${alert.entity.kind} ${alert.entity.key}${alert.owner ? `, owned by ${alert.owner}` : ''}`],
    [
      'towards',
      alert.target
        ? `${alert.target.kind} ${alert.target.key}${alert.target.port === null ? '' : ` port ${alert.target.port}`}`
        : '-',
    ],
    ['outcome', alert.outcome],
    [
      'time',
      `${timeText(alert.firstMs)} to ${timeText(alert.lastMs)} (${spanText(alert.lastMs - alert.firstMs)}), ${countText(alert.count, 'flow')}`,
    ],
    [
      'where',
      [
        alert.cluster,
        ...alert.scopes.map((scope) => `scope ${scope}`),
        ...(alert.tenant ? [`tenant ${alert.tenant}`] : []),
      ].join(', '),
    ],
    [
      'attack',
      alert.attack
        .map(({ techniqueId, technique, tactic }) =>
          `${techniqueId ?? ''} ${technique ?? ''} (${tactic})`.trim(),
        )
        .join('; ') || '-',
    ],
    ['rule', `${alert.detector}: ${alert.rule}${alert.why.learning ? ', still learning' : ''}`],
  ];
  const lines = rows.flatMap(([name, text, style = (plain) => plain]) =>
    wrap(safeText(text), width === null ? null : width - 10).map(
      (line, i) => `${paint.dim((i === 0 ? name : '').padEnd(9))} ${style(line)}`,
    ),
  );
  if (alert.why.factors.length > 0) {
    lines.push('', paint.bold('Why'));
    for (const { name, observed, expected, threshold } of alert.why.factors)
      lines.push(
        `  ${name}: ${numberText(observed)}${expected === null ? '' : `, usually ${numberText(expected)}`}${threshold === null ? '' : `, alerts at ${numberText(threshold)}`}`,
      );
  }
  if (alert.evidence.flows.length > 0) {
    lines.push('', paint.bold('Evidence'));
    for (const flow of alert.evidence.flows)
      lines.push(
        safeText(
          `  ${timeText(flow.timeMs, { millis: true })}  ${flow.verdict.padEnd(6)} ${flow.source} -> ${flow.destination}${flow.policy ? `  ${flow.policy}` : ''}`,
        ),
      );
  }
  const ports = alert.evidence.ports.join(', ');
  if (ports) lines.push(safeText(`  ports ${ports}`));
  if (revisions.length > 1) {
    lines.push('', paint.bold('Course'));
    for (const each of revisions)
      lines.push(
        `  ${timeText(each.raisedMs)}  ${each.action.padEnd(9)} ${each.severity.padEnd(8)} ${countText(each.count, 'flow')}`,
      );
  }
  const ways = [alert.links.search, alert.links.kibana].filter((way) => way !== null);
  if (ways.length > 0) lines.push('', paint.bold('Next'), ...ways.map((way) => `  ${safeText(way)}`));
  return lines.join('\n');
}
