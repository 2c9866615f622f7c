import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createDemo } from '../demo/index.ts';
import { print } from './ask.ts';
import { exit, UsageError, type Command } from './command.ts';

const usage = `weir demo DIR

Writes the flow logs of a made-up cluster into DIR/cluster until it is stopped, beginning with the last 20 minutes:
flows.log as NetObserv exports it, kept below 100 MB, and inventory.json. What was in DIR/cluster is removed.
\`weir run --demo\` does the same and runs everything else beside it.`;

export const demo: Command = {
  summary: 'write the flow logs of a made-up cluster, to try things with',
  usage,
  async run(args, world) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true });
    const [directory, ...more] = positionals;
    if (directory === undefined || more.length > 0)
      throw new UsageError('where to? Expected one directory: weir demo DIR');
    const made = createDemo(join(directory, 'cluster'), world.clock);
    await print(world, `writing ${join(directory, 'cluster', 'flows.log')} until stopped\n`);
    await made.run(world.stop);
    return exit.fine;
  },
};
