import { parseArgs } from 'node:util';
import type { SetupRequest } from '../../sinks/bulk/setup.ts';
import { readConfig, type Config } from '../config/index.ts';
import { tableLines } from '../format/table.ts';
import { bulkSinks } from '../wire/bulk-sinks.ts';
import { silentLog } from '../wire/quiet-log.ts';
import { exit, UsageError, type Command, type World } from './command.ts';
import { paintOf, print, widthOf } from './ask.ts';
import { configPath, needsConfig } from './places.ts';

const usage = `weir setup kafka|elasticsearch|opensearch|kibana [--config FILE] [--dry-run] [--roles]

Makes what Weir needs on the other side, and says what is there but different.

  kafka           topics, and the rights each role needs
  elasticsearch   templates and lifecycle of each kind of record, for every sink of that type
  opensearch      the same for OpenSearch
  kibana          data views, searches, dashboards and detection rules; a space for each tenant that has
                  a sink of its own. Rules come switched off, and those that are there are left as they are
  --dry-run       only says what would be done: prints the requests, roles and spaces among them
  --out DIR       of kibana: writes files to be imported by hand; needs no configuration
  --replace-rules of kibana: puts the rules in the place of those that are there, switched off
  --roles         makes the roles of writers and readers too; takes the right to manage security
  --config FILE   the configuration that names the other side`;

export const setup: Command = {
  summary: 'make topics in Kafka, templates in Elasticsearch or OpenSearch, dashboards in Kibana',
  usage,
  async run(args, world) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
        roles: { type: 'boolean', default: false },
        out: { type: 'string' },
        'replace-rules': { type: 'boolean', default: false },
      },
    });
    if (positionals[0] === 'kibana') {
      const out = values.out ?? null;
      const path =
        out === null ? needsConfig(values.config, world.env) : configPath(values.config, world.env);
      // Nobody signs in to write files or to say what would be done.
      const config =
        path === null
          ? null
          : readConfig(path, { env: world.env, withoutSecrets: out !== null || values['dry-run'] });
      const { setupKibana } = await import('./setup-kibana.ts');
      return setupKibana(
        config,
        { dryRun: values['dry-run'], out, replaceRules: values['replace-rules'] },
        world,
      );
    }
    const config = readConfig(needsConfig(values.config, world.env), { env: world.env });
    const dryRun = values['dry-run'];
    if (positionals[0] === 'kafka') return setupKafka(config, dryRun, world);
    const type = positionals[0] ?? '';
    if (type in bulkSinks) return setupIndices(config, type, { dryRun, roles: values.roles }, world);
    throw new UsageError(`set up what? Expected kafka, elasticsearch, opensearch or kibana, found '${type}'`);
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

async function setupIndices(
  config: Config,
  type: string,
  { dryRun, roles }: { readonly dryRun: boolean; readonly roles: boolean },
  world: World,
): Promise<number> {
  const sinks = config.sinks.filter((sink) => sink.type === type);
  if (sinks.length === 0)
    throw new UsageError(`${config.file ?? 'the configuration'} has no sink of type ${type}`);
  const tenants = [...new Set(sinks.flatMap(({ tenant }) => tenant ?? []))];
  for (const sink of sinks) {
    const far = await bulkSinks[type]!.setup(sink.options, { tenants, tenant: sink.tenant });
    try {
      const plan = await far.plan(world.stop);
      await print(world, `${sink.name}: ${type} ${plan.version ?? '(version not told)'}\n`);
      for (const notice of plan.notices) await print(world, `  note: ${notice}\n`);
      if (dryRun) {
        for (const request of [...plan.requests, ...plan.roles, ...plan.spaces])
          await print(world, consoleText(request));
        for (const { request, found } of await far.daily(world.stop)) {
          const now = found === null ? 'how many these credentials may not ask' : `${found} now`;
          await print(world, consoleText({ ...request, why: `${request.why} (${now})` }));
        }
      } else {
        await far.apply(
          roles ? [...plan.requests, ...plan.roles] : plan.requests,
          world.stop,
          ({ path, why }) => {
            world.stdout.write(`  done  ${path}  (${why})\n`);
          },
        );
      }
    } finally {
      await far.close();
    }
  }
  return exit.fine;
}

/** A request as the console of Kibana takes it. */
function consoleText({ method, path, querystring, body, why }: SetupRequest): string {
  const query = querystring === undefined ? '' : `?${new URLSearchParams(querystring).toString()}`;
  return `\n# ${why}\n${method} ${path}${query}\n${JSON.stringify(body, null, 2)}\n`;
}
