import { parseArgs } from 'node:util';
import type { Replayed } from '../../pipeline/letter-box.ts';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import { compileQuery } from '../../query/index.ts';
import type { Letter, LetterSearch, Running } from '../api/forensics.ts';
import { csvLine } from '../format/csv.ts';
import { jsonLine } from '../format/json.ts';
import { safeText } from '../format/text.ts';
import { tableLines, type Column } from '../format/table.ts';
import { countText, timeText } from '../format/units.ts';
import { formatOf, formats, limitOf, paintOf, print, runningProcesses, widthOf, type Format } from './ask.ts';
import { exit, UsageError, type Command, type World } from './command.ts';

const usage = `weir deadletter list [--where QUERY] [--limit N] [--format table|json|csv] [--config FILE]
weir deadletter show ID [--config FILE]
weir deadletter replay --where QUERY [--limit N] [--config FILE]

Lines and records that could not be processed or were refused, as the running weir keeps them, newest last.

  list              what is there, and why
  show ID           one of them with all that is known, and what was refused
  replay            delivers them after all: a record to the sink that refused it, a line or flow into the log. What is
                    delivered leaves the list, what is not stays. Exits with 5 when some stay.
  --where QUERY     KQL over component, code, kind, reason, tenant, timeMs, …, such as
                    'component : "sink.siem" and code : sink_refused_record'; replay needs it, '*' is everything
  --limit N         list: at most so many of the newest (default 100); replay: of the oldest (default 10000)
  --format FORMAT   table, json (one object a line, with what was refused) or csv
  --config FILE     the configuration of the weir that is asked`;

export const deadletter: Command = {
  summary: 'list what could not be processed, deliver it after all',
  usage,
  async run(args, world) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        where: { type: 'string' },
        limit: { type: 'string' },
        format: { type: 'string' },
        config: { type: 'string' },
      },
    });
    const [action = 'list', id, ...more] = positionals;
    if (action !== 'list' && action !== 'show' && action !== 'replay')
      throw new UsageError(`there is no 'deadletter ${action}': expected list, show or replay`);
    if (more.length > 0 || (id === undefined) === (action === 'show'))
      throw new UsageError(
        `deadletter ${action}: expected ${action === 'show' ? 'one id' : 'options alone'}`,
      );
    if (action === 'replay' && values.where === undefined)
      throw new UsageError("deadletter replay: which ones? Give --where, '*' for everything");
    const where = whereOf(action === 'show' ? `id : ${JSON.stringify(id)}` : values.where);
    const format = formatOf(values.format, formats);
    const limit = limitOf(values.limit, action === 'replay' ? 10_000 : 100);
    const { from, banner } = await runningProcesses(values.config, world);
    if (action === 'replay') return replay(from, { where, limit }, world);
    const letters = await ask(from, { where, limit });
    if (action === 'show') return showOne(letters.at(-1), id ?? '', world);
    await show(letters, format, world, banner);
    return exit.fine;
  },
};

function whereOf(text: string | undefined): string {
  const where = text === undefined || text.trim() === '*' ? '' : text;
  if (where !== '') compileQuery('dead_letter', where);
  return where;
}

/** Over Kafka each process keeps none of its own: the first that may read the topic answers for all. */
async function ask(from: readonly Running[], search: LetterSearch): Promise<readonly Letter[]> {
  const answers = await Promise.allSettled(from.map((process) => process.letters(search)));
  const answered = answers.find((answer) => answer.status === 'fulfilled');
  if (answered) return answered.value;
  const refused = answers.find((answer) => answer.status === 'rejected');
  throw new WeirError('not_connected', messageOf(refused?.reason));
}

/** Each process delivers what it has the target of. */
async function replay(from: readonly Running[], search: LetterSearch, world: World): Promise<number> {
  const paint = paintOf(world);
  const delivered = new Set<string>();
  /** Of each letter the last that was heard; at most two limits a process. */
  const kept = new Map<string, Replayed>();
  const failures: unknown[] = [];
  for (const process of from)
    await process
      .replayLetters(
        search,
        (outcome) => {
          const { id, problem, isElsewhere } = outcome;
          if (problem === null) {
            delivered.add(id);
            kept.delete(id);
          } else if (!delivered.has(id) && (!isElsewhere || !kept.has(id))) kept.set(id, outcome);
          return Promise.resolve();
        },
        world.stop,
      )
      .catch((error: unknown) => failures.push(error));
  if (failures.length === from.length) throw new WeirError('not_connected', messageOf(failures[0]));
  await print(world, `${paint.green(`${countText(delivered.size, 'dead letter')} delivered.`)}\n`);
  const problems = new Map<string, number>();
  for (const { component, problem } of kept.values()) {
    const why = `${component}: ${safeText(problem ?? '')}`;
    if (problems.has(why) || problems.size < MAX_PROBLEMS) problems.set(why, (problems.get(why) ?? 0) + 1);
  }
  for (const [why, count] of problems)
    await print(world, `${paint.yellow(`${countText(count, 'dead letter')} kept`)}: ${why}\n`);
  return kept.size > 0 || world.stop.aborted ? exit.partly : exit.fine;
}

/** Problems that are told apart. */
const MAX_PROBLEMS = 100;

const columns: Column<Letter>[] = [
  { title: 'ID', text: ({ id }) => id, shrink: false },
  { title: 'TIME', text: ({ timeMs }) => timeText(timeMs), shrink: false },
  { title: 'COMPONENT', text: ({ component }) => component, shrink: false },
  { title: 'CODE', text: ({ code }) => code, shrink: false },
  { title: 'REASON', text: ({ reason }) => safeText(reason), min: 20 },
];

async function show(letters: readonly Letter[], format: Format, world: World, banner: string): Promise<void> {
  if (format === 'json') return print(world, letters.map((letter) => jsonLine(letter)).join(''));
  if (format === 'csv') {
    const rows = letters.map((letter) => csvLine(columns.map(({ text }) => text(letter) ?? '')));
    return print(world, [csvLine(columns.map(({ title }) => title.toLowerCase())), ...rows].join(''));
  }
  if (letters.length === 0) return print(world, `${banner && `${banner}  `}No dead letters.\n`);
  const table = tableLines(columns, letters, { width: widthOf(world), colours: paintOf(world) });
  await print(world, `${banner ? `${banner}\n` : ''}${table.join('\n')}\n`);
}

async function showOne(letter: Letter | undefined, id: string, world: World): Promise<number> {
  if (letter === undefined) {
    await print(
      world,
      `There is no dead letter ${safeText(id)}: it was delivered, or it is no longer kept.\n`,
    );
    return exit.failed;
  }
  const { payload, stack, ...rest } = letter;
  const facts = Object.entries({ ...rest, time: timeText(rest.timeMs), timeMs: null }).flatMap(
    ([name, value]) => (value === null ? [] : [`${name.padEnd(10)} ${safeText(String(value))}`]),
  );
  const trace = stack === null ? [] : ['', ...stack.split('\n').map(safeText)];
  await print(world, `${[...facts, ...trace, '', ...payload.split('\n').map(safeText)].join('\n')}\n`);
  return exit.fine;
}
