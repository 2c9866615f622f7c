import { parseArgs } from 'node:util';
import { tableLines, type Column } from '../format/table.ts';
import { numberText, spanText } from '../format/units.ts';
import { jsonLine } from '../format/json.ts';
import { sections, type Line, type Report, type Section } from '../wire/process.ts';
import { exit, type Command, type World } from './command.ts';
import { formatOf, paintOf, print, runningProcesses, treeFormats, widthOf } from './ask.ts';

const usage = `weir status [--format table|json] [--config FILE]

How the running weir is doing: sources, detectors, sinks. Exits with 3 when a sink is down or something failed.`;

export const status: Command = {
  summary: 'how the running weir is doing',
  usage,
  async run(args, world) {
    const { values } = parseArgs({
      args: [...args],
      options: { format: { type: 'string' }, config: { type: 'string' } },
    });
    const format = formatOf(values.format, treeFormats);
    const { from, banner } = await runningProcesses(values.config, world);
    const reports = await Promise.all(from.map((process) => process.status()));
    const report = merged(reports);
    if (format === 'json') await print(world, jsonLine(report));
    else await print(world, `${banner ? `${banner}\n` : ''}${screen(report, world)}\n`);
    return report.sinks.some((line) => line['health'] !== 'ok') ? exit.finding : exit.fine;
  },
};

const merged = (reports: readonly Report[]): Report => ({
  sources: reports.flatMap(({ sources }) => sources),
  detectors: reports.flatMap(({ detectors }) => detectors),
  suppressions: reports.flatMap(({ suppressions }) => suppressions ?? []),
  // What onlookers are shown with is a sink of the process itself.
  sinks: reports.flatMap(({ sinks }) => sinks.filter(({ type }) => type !== 'observe')),
  deadLetters: reports.flatMap(({ deadLetters }) => deadLetters ?? []),
});

function screen(report: Report, world: World): string {
  const paint = paintOf(world);
  const nowMs = world.clock.now();
  const kept = report.deadLetters.reduce((sum, line) => sum + Number(line['kept'] ?? 0), 0);
  const shown = sections.filter((section) => section !== 'deadLetters');
  const letters =
    kept > 0 ? `\n\n${numberText(kept)} dead letters are kept: weir deadletter list shows them.` : '';
  return `${shown
    .filter((section) => report[section].length > 0)
    .map((section) =>
      [
        paint.bold(section.toUpperCase()),
        ...tableLines(columnsOf(section, nowMs), report[section], { width: widthOf(world), colours: paint }),
      ].join('\n'),
    )
    .join('\n\n')}${letters}`;
}

const text =
  (key: string) =>
  (line: Line): string | null =>
    line[key] == null ? null : String(line[key]);
const number =
  (key: string) =>
  (line: Line): string | null =>
    typeof line[key] === 'number' ? numberText(line[key]) : null;

/** `12+` where more was lost than could be counted. */
const lostText = ({ lost, lostUnknown }: Line): string | null =>
  typeof lost === 'number' ? `${numberText(lost)}${Number(lostUnknown ?? 0) > 0 ? '+' : ''}` : null;

/** `none` where everything that is there was read. */
const lagText = ({ lagMs }: Line): string | null =>
  typeof lagMs !== 'number' ? null : lagMs === 0 ? 'none' : spanText(lagMs);

function columnsOf(section: Section, nowMs: number): Column<Line>[] {
  const name: Column<Line> = { title: 'NAME', text: text('name'), shrink: false };
  const ago =
    (key: string) =>
    (line: Line): string | null =>
      typeof line[key] === 'number' ? `${spanText(Math.max(0, nowMs - line[key]))} ago` : null;
  if (section === 'sources')
    return [
      name,
      { title: 'TYPE', text: text('type'), shrink: false, dispensable: 4 },
      { title: 'LINES', text: number('read'), align: 'right', shrink: false, dispensable: 5 },
      { title: 'FLOWS', text: number('flows'), align: 'right', shrink: false },
      { title: 'MALFORMED', text: number('malformed'), align: 'right', shrink: false, dispensable: 3 },
      { title: 'LOST', text: lostText, align: 'right', shrink: false, dispensable: 1 },
      { title: 'LAST EVENT', text: ago('lastEventMs'), shrink: false },
      { title: 'LAG', text: lagText, shrink: false },
      { title: 'LAST ERROR', text: text('lastError'), min: 10, dispensable: 2 },
    ];
  if (section === 'detectors')
    return [
      name,
      { title: 'STATE', text: text('state'), shrink: false },
      { title: 'LANES', text: number('lanes'), align: 'right', shrink: false, dispensable: 1 },
      { title: 'KEYS', text: number('keys'), align: 'right', shrink: false, dispensable: 2 },
      { title: 'JUDGED UP TO', text: ago('judgedToMs'), shrink: false },
    ];
  if (section === 'suppressions')
    return [
      name,
      { title: 'STATE', text: text('state'), shrink: false },
      { title: 'HIDDEN', text: number('hidden'), align: 'right', shrink: false },
      { title: 'UNTIL', text: text('until'), shrink: false },
      { title: 'BY', text: text('by'), min: 4, dispensable: 2 },
      { title: 'REASON', text: text('reason'), min: 10, dispensable: 1 },
    ];
  return [
    name,
    { title: 'TYPE', text: text('type'), shrink: false, dispensable: 3 },
    {
      title: 'HEALTH',
      text: text('health'),
      style: (line, paint) => (line['health'] === 'ok' ? paint.green : paint.red),
      shrink: false,
    },
    { title: 'SENT', text: number('sent'), align: 'right', shrink: false, dispensable: 2 },
    { title: 'BACKLOG', text: number('backlog'), align: 'right', shrink: false },
    { title: 'OLDEST', text: ago('oldestMs'), shrink: false },
    { title: 'REFUSED', text: number('refused'), align: 'right', shrink: false, dispensable: 1 },
    { title: 'LAST ERROR', text: text('lastError'), min: 10 },
  ];
}
