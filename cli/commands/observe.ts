import { parseArgs } from 'node:util';
import { compileQuery } from '../../query/index.ts';
import { jsonLine } from '../format/json.ts';
import { alertLine, flowLine } from '../format/records.ts';
import { exit, type Command } from './command.ts';
import { formatOf, limitOf, paintOf, print, runningProcesses, treeFormats } from './ask.ts';

const usage = `weir observe [QUERY] [-f] [--limit N] [--format table|json]

Flows and alerts of the running weir as they come.

  QUERY             only these flows, such as 'verdict : deny'; all flows and alerts when absent
  -f, --follow      go on until it is stopped; otherwise the next 20
  --limit N         stop after so many
  --format FORMAT   table (a line each) or json (one object a line)
  --config FILE     the configuration of the weir that is asked`;

export const observe: Command = {
  summary: 'watch flows and alerts as they come',
  usage,
  async run(args, world) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        follow: { type: 'boolean', short: 'f', default: false },
        limit: { type: 'string' },
        format: { type: 'string' },
        config: { type: 'string' },
      },
    });
    const query = positionals.join(' ');
    const wanted = compileQuery('flow', query);
    const json = formatOf(values.format, treeFormats) === 'json';
    const limit = limitOf(values.limit, values.follow ? Infinity : 20);
    const paint = paintOf(world);
    const { from, banner } = await runningProcesses(values.config, world);
    const mark = banner && `${banner}  `;
    const stop = new AbortController();
    world.stop.addEventListener('abort', () => stop.abort());
    let shown = 0;
    await Promise.all(
      from.map(async (process) => {
        for await (const item of process.observe(stop.signal)) {
          if ('flow' in item ? !wanted(item.flow) : query !== '') continue;
          const line = json
            ? jsonLine(item)
            : `${mark}${'flow' in item ? flowLine(item.flow, paint) : alertLine(item.alert, paint)}\n`;
          await print(world, line);
          if (++shown >= limit) stop.abort();
          if (stop.signal.aborted) return;
        }
      }),
    );
    return exit.fine;
  },
};
