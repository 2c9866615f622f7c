import { parseArgs } from 'node:util';
import { compileQuery } from '../../query/index.ts';
import type { Incident } from '../../schema/records.ts';
import type { Style } from '../format/colours.ts';
import { csvLine } from '../format/csv.ts';
import { jsonLine } from '../format/json.ts';
import { severityStyle } from '../format/records.ts';
import { tableLines, type Column } from '../format/table.ts';
import { safeText, wrap } from '../format/text.ts';
import { countText, numberText, spanText, timeText } from '../format/units.ts';
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
import { exit, UsageError, type Command, type World } from './command.ts';
import { decide } from './incident-decision.ts';
import { withPlainId } from './plain-id.ts';
import { rangeOf, rangeOptions, rangeUsage } from './range.ts';
import { showRecord } from './show-record.ts';

const usage = `weir incidents list [QUERY] [--since 7d] [--format table|json|csv]
weir incidents show ID
weir incidents ack ID [--reason TEXT] [--by WHO]
weir incidents close ID --reason TEXT [--by WHO]

Alerts of one entity, joined, newest first. Who acknowledges an incident looks after it: it stays open, and nobody is
told of it again unless it gets worse. A closed one is done with; new evidence begins another that names it.

  QUERY             such as 'severity >= high and not state : closed'
${rangeUsage('7d')}
  --limit N         at most so many (default 100)
  --format FORMAT   table, json (one object a line) or csv (list only)
  --reason TEXT     why it is acknowledged or closed
  --by WHO          who decided it (default: the user of this command)
${askedUsage}`;

const DEFAULT_SINCE_MS = 7 * 86_400_000;

export const incidents: Command = {
  summary: 'list incidents, show, acknowledge or close one',
  usage,
  async run(args, world) {
    const { values, positionals } = parseArgs({
      args: withPlainId(args),
      allowPositionals: true,
      options: {
        ...rangeOptions,
        limit: { type: 'string' },
        format: { type: 'string' },
        reason: { type: 'string' },
        by: { type: 'string' },
        ...askedOptions,
      },
    });
    const [action = 'list', ...rest] = positionals;
    if (action === 'ack' || action === 'close') return decide(action, rest[0], values, world);
    if (action !== 'list' && action !== 'show')
      throw new UsageError(`there is no 'incidents ${action}': expected list, show, ack or close`);
    const where = action === 'list' ? rest.join(' ') : '';
    compileQuery('incident', where);
    const format = formatOf(values.format, action === 'list' ? formats : treeFormats);
    const answering = await forensics(values, world);
    try {
      if (action === 'show')
        return await showRecord(
          { name: 'incident', revisions: (id) => answering.from.incident(id), details },
          rest[0],
          { format, banner: answering.banner },
          world,
        );
      const range = rangeOf(values, world.clock.now(), answering.replayed ? null : DEFAULT_SINCE_MS);
      const found = await answering.from.incidents({
        where,
        limit: limitOf(values.limit, 100),
        ...range,
      });
      await list(found, format, world, answering.banner);
      return exit.fine;
    } finally {
      await answering.close();
    }
  },
};

const columns: readonly Column<Incident>[] = [
  { title: 'LAST', text: (incident) => timeText(incident.lastMs), shrink: false, dispensable: 1 },
  {
    title: 'SEVERITY',
    text: (incident) => incident.severity,
    style: (incident, paint) => severityStyle(incident.severity, paint),
    shrink: false,
  },
  { title: 'STATE', text: (incident) => incident.state, shrink: false, dispensable: 2 },
  {
    title: 'ALERTS',
    text: (incident) => numberText(incident.alerts.length),
    align: 'right',
    shrink: false,
    dispensable: 3,
  },
  { title: 'WHAT', text: (incident) => incident.story.summary, min: 16 },
  { title: 'ID', text: (incident) => incident.id, shrink: false },
];

async function list(found: readonly Incident[], format: Format, world: World, banner: string): Promise<void> {
  if (format === 'json') return print(world, found.map(jsonLine).join(''));
  if (format === 'csv') {
    const rows = found.map((incident) =>
      csvLine([
        new Date(incident.lastMs).toISOString(),
        incident.severity,
        incident.state,
        incident.score,
        incident.alerts.length,
        incident.entity.key,
        incident.story.summary,
        incident.id,
      ]),
    );
    const header = ['last', 'severity', 'state', 'score', 'alerts', 'entity', 'summary', 'id'];
    return print(world, csvLine(header) + rows.join(''));
  }
  const lines =
    found.length === 0 ? [] : tableLines(columns, found, { width: widthOf(world), colours: paintOf(world) });
  await print(
    world,
    `${banner ? `${banner}\n` : ''}${[...lines, paintOf(world).dim(countText(found.length, 'incident'))].join('\n')}\n`,
  );
}

/** With who decided it, where somebody did. */
function stateText({ state, decidedBy, decidedMs, reason }: Incident): string {
  if (decidedBy === null) return state;
  const when = decidedMs === null ? '' : ` at ${timeText(decidedMs)}`;
  return `${state} by ${decidedBy}${when}${reason === null ? '' : `: ${reason}`}`;
}

/** The story, in the order in which it is asked for. */
function details(revisions: readonly Incident[], world: World): string {
  const incident = revisions.at(-1)!;
  const paint = paintOf(world);
  const width = widthOf(world);
  const { entity, story } = incident;
  const rows: [string, string, Style?][] = [
    ['what', story.summary],
    [
      'severity',
      `${incident.severity}, score ${incident.score.toFixed(2)}`,
      severityStyle(incident.severity, paint),
    ],
    ['state', stateText(incident)],
    ...(incident.follows === null
      ? []
      : ([['follows', `${incident.follows}, which was closed before this evidence`]] as [string, string][])),
    ['about', `${entity.kind} ${entity.key}${incident.owner ? `, owned by ${incident.owner}` : ''}`],
    [
      'time',
      `${timeText(incident.firstMs)} to ${timeText(incident.lastMs)} (${spanText(incident.lastMs - incident.firstMs)})`,
    ],
    [
      'where',
      [
        incident.cluster,
        ...incident.scopes.map((scope) => `scope ${scope}`),
        ...(incident.tenant ? [`tenant ${incident.tenant}`] : []),
      ].join(', '),
    ],
    ['attack', incident.tactics.join(', then ') || '-'],
    ['usual', story.normal ?? 'nothing that was learned says'],
    ['ask', story.question ?? '-'],
  ];
  const lines = rows.flatMap(([name, text, style = (plain) => plain]) =>
    wrap(safeText(text), width === null ? null : width - 10).map(
      (line, i) => `${paint.dim((i === 0 ? name : '').padEnd(9))} ${style(line)}`,
    ),
  );
  lines.push('', paint.bold('Alerts'));
  for (const { id, timeMs, detector, severity, line } of incident.alerts)
    lines.push(safeText(`  ${timeText(timeMs)}  ${severity.padEnd(8)} ${detector}: ${line}  ${id}`));
  if (revisions.length > 1) {
    lines.push('', paint.bold('Course'));
    for (const { lastMs, decidedMs, state, severity, alerts, notify } of revisions) {
      const told = notify ? ', notified' : '';
      const timeMs = Math.max(lastMs, decidedMs ?? -Infinity);
      lines.push(
        `  ${timeText(timeMs)}  ${state.padEnd(12)} ${severity.padEnd(8)} ${countText(alerts.length, 'alert')}${told}`,
      );
    }
  }
  if (story.query) lines.push('', paint.bold('Next'), `  ${safeText(story.query)}`);
  return lines.join('\n');
}
