import { exit, type Command } from './command.ts';
import { print } from './ask.ts';
import { packageVersion } from './package.ts';

export const version: Command = {
  summary: 'print the version',
  usage: 'weir version',
  async run(_args, world) {
    await print(world, `weir ${packageVersion()} (Node ${process.version})\n`);
    return exit.fine;
  },
};
