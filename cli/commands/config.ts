import { parseArgs } from 'node:util';
import { configYaml, readConfig } from '../config/index.ts';
import { exit, UsageError, type Command } from './command.ts';
import { print } from './ask.ts';
import { needsConfig } from './places.ts';

const usage = `weir config show [--config FILE]

The configuration as it is used: defaults filled in, secrets as <redacted>.`;

export const config: Command = {
  summary: 'show the configuration as it is used',
  usage,
  async run(args, world) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { config: { type: 'string' } },
    });
    if (positionals[0] !== 'show')
      throw new UsageError(`there is no 'config ${positionals[0] ?? ''}': expected show`);
    const path = needsConfig(values.config, world.env);
    const config = readConfig(path, { env: world.env, withoutSecrets: true });
    for (const warning of config.warnings) world.stderr.write(`${warning}\n`);
    await print(world, configYaml(config));
    return exit.fine;
  },
};
