import { parseArgs } from 'node:util';
import type { Options as ElasticsearchOptions } from '../../sinks/elasticsearch/options.ts';
import { readConfig, type Config } from '../config/index.ts';
import { tableLines } from '../format/table.ts';
import { silentLog } from '../wire/quiet-log.ts';
import { exit, UsageError, type Command, type World } from './command.ts';
import { paintOf, print, widthOf } from './ask.ts';
import { needsConfig } from './places.ts';

const usage = `weir setup kafka|elasticsearch [--config FILE] [--dry-run]

Makes what Weir needs on the other side, and says what is there but different.

  kafka           topics, and the rights each role needs
  elasticsearch   templates, lifecycle and the indices of current state
  --dry-run       only says what would be done
  --config FILE   the configuration that names the other side`;

export const setup: Command = {
  summary: 'make topics in Kafka, templates in Elasticsearch',
  usage,
  async run(args, world) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { config: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } },
    });
    const config = readConfig(needsConfig(values.config, world.env), { env: world.env });
    const dryRun = values['dry-run'];
    if (positionals[0] === 'kafka') return setupKafka(config, dryRun, world);
    if (positionals[0] === 'elasticsearch') return setupElasticsearch(config, dryRun, world);
    throw new UsageError(`set up what? Expected kafka or elasticsearch, found '${positionals[0] ?? ''}'`);
  },
};

async function setupKafka(config: Config, dryRun: boolean, world: World): Promise<number> {
  if (!config.kafka) throw new UsageError(`${config.file ?? 'the configuration'} has no kafka section`);
  const { setupTopics } = await import('../../transport/kafka/setup.ts');
  const { aclCommands } = await import('../../transport/kafka/acls.ts');
  const differences = await setupTopics(config.kafka, silentLog, { dryRun });
  const columns = (['topic', 'setting', 'found', 'expected', 'action'] as const).map((key) => ({
    title: key.toUpperCase(),
    text: (row: (typeof differences)[number]) => row[key],
    min: 8,
  }));
  const lines =
    differences.length === 0
      ? ['All topics are as they should be.']
      : tableLines(columns, differences, { width: widthOf(world), colours: paintOf(world) });
  await print(
    world,
    `${lines.join('\n')}\n\nRights each role needs, and no more:\n\n${aclCommands(config.kafka)}\n`,
  );
  return differences.some(({ action }) => action === 'by hand') ? exit.finding : exit.fine;
}

async function setupElasticsearch(config: Config, dryRun: boolean, world: World): Promise<number> {
  const sinks = config.sinks.filter(({ type }) => type === 'elasticsearch');
  if (sinks.length === 0)
    throw new UsageError(`${config.file ?? 'the configuration'} has no sink of type elasticsearch`);
  const { setup: prepare, templateDefaults } = await import('../../sinks/elasticsearch/setup.ts');
  for (const sink of sinks) {
    const far = prepare(sink.options as ElasticsearchOptions);
    try {
      const plan = await far.plan(templateDefaults, world.stop);
      await print(world, `${sink.name}: Elasticsearch ${plan.version ?? '(version not told)'}\n`);
      for (const notice of plan.notices) await print(world, `  note: ${notice}\n`);
      if (dryRun)
        for (const { method, path, body, why } of plan.requests)
          await print(world, `\n# ${why}\n${method} ${path}\n${JSON.stringify(body, null, 2)}\n`);
      else
        await far.apply(plan.requests, world.stop, ({ path, why }) => {
          world.stdout.write(`  done  ${path}  (${why})\n`);
        });
    } finally {
      await far.close();
    }
  }
  return exit.fine;
}
