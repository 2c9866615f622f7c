import { parseArgs } from 'node:util';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import type { Letter } from '../api/forensics.ts';
import { csvLine } from '../format/csv.ts';
import { jsonLine } from '../format/json.ts';
import { safeText } from '../format/text.ts';
import { tableLines, type Column } from '../format/table.ts';
import { timeText } from '../format/units.ts';
import { formatOf, formats, limitOf, paintOf, print, runningProcesses, widthOf, type Format } from './ask.ts';
import { exit, UsageError, type Command, type World } from './command.ts';

const usage = `weir deadletter list [--limit N] [--format table|json|csv] [--config FILE]

Lines and records that could not be processed, as the running weir keeps them, newest last.

  --limit N         at most so many of the newest (default 100)
  --format FORMAT   table, json (one object a line, with what was refused) or csv
  --config FILE     the configuration of the weir that is asked`;

export const deadletter: Command = {
  summary: 'list what could not be processed',
  usage,
  async run(args, world) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { limit: { type: 'string' }, format: { type: 'string' }, config: { type: 'string' } },
    });
    const [action = 'list'] = positionals;
    if (action !== 'list') throw new UsageError(`there is no 'deadletter ${action}': expected list`);
    const limit = limitOf(values.limit, 100);
    const format = formatOf(values.format, formats);
    const { from, banner } = await runningProcesses(values.config, world);
    const answers = await Promise.allSettled(from.map((process) => process.letters(limit)));
    const answered = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    if (answered.length === 0) {
      const refused = answers.find((answer) => answer.status === 'rejected');
      throw new WeirError('not_connected', messageOf(refused?.reason));
    }
    await show(answered.flat(), format, world, banner);
    return exit.fine;
  },
};

const columns: Column<Letter>[] = [
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
