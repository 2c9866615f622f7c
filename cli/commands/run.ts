import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { WeirError } from '../../pipeline/errors.ts';
import type { Pump } from '../../pipeline/lifecycle.ts';
import { createLogger } from '../../telemetry/logger.ts';
import { createMeter } from '../../telemetry/meter.ts';
import { configFrom, readConfig, roles, type Config, type Role } from '../config/index.ts';
import { colours, wantsColour } from '../format/colours.ts';
import { bytesText } from '../format/units.ts';
import { createDemo } from '../demo/index.ts';
import { runLocal, type DaemonOptions } from '../wire/daemon.ts';
import { discover, discoveredYaml } from '../wire/discover.ts';
import { createBoard } from '../wire/process.ts';
import { lockOwner } from '../../store/lock.ts';
import { exit, UsageError, type Command, type World } from './command.ts';
import { configPath, defaultStateDir } from './places.ts';
import { showTraffic } from './screen.ts';

const usage = `weir run [--config FILE] [--role ROLE] [--demo]

Collects, enriches, judges, stores and sends flow logs until it is stopped.

  --config FILE   configuration; without one, the flow logs of this machine, else a demo cluster
  --role ROLE     over Kafka, only this part: ${roles.join(', ')}; all when absent
  --demo          the demo cluster, whatever else there is`;

export const run: Command = {
  summary: 'collect, judge, store and send flow logs',
  usage,
  async run(args, world) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string' },
        role: { type: 'string' },
        demo: { type: 'boolean', default: false },
      },
    });
    const role = roleOf(values.role);
    const path = values.demo ? null : configPath(values.config, world.env);
    if (path === null) {
      if (role) throw new UsageError('--role needs a configuration: --config FILE');
      return runUnconfigured(world, values.demo);
    }
    const config = readConfig(path, { env: world.env, role });
    const reread = (): Config => readConfig(path, { env: world.env, role });
    if (config.kafka) {
      const { runOverKafka } = await import('../wire/kafka.ts');
      await runOverKafka({ ...daemonOptions(config, world), reread, role });
    } else if (role)
      throw new UsageError(`--role ${role} needs kafka in ${path}: without it all parts are one process`);
    else await runLocal({ ...daemonOptions(config, world), reread });
    return exit.fine;
  },
};

function roleOf(text: string | undefined): Role | null {
  if (text === undefined) return null;
  if (!(roles as readonly string[]).includes(text))
    throw new UsageError(`there is no role '${text}': expected ${roles.join(', ')}`);
  return text as Role;
}

function daemonOptions(config: Config, world: World): DaemonOptions {
  const log = createLogger(config.log, { env: world.env, stream: world.stderr, secrets: config.secrets });
  const shared = {
    cluster: config.cluster,
    clock: world.clock,
    meter: createMeter(),
    log,
    board: createBoard(),
  };
  return {
    config,
    shared,
    stop: world.stop,
    started: (socket) =>
      log.info(
        {
          state: config.state.dir,
          maxBytes: config.state.maxBytes,
          socket,
          cluster: config.cluster,
          config: config.file,
        },
        'started',
      ),
  };
}

/** How long the machine's own logs are given to yield a record. */
const PROOF_MS = 5000;

async function runUnconfigured(world: World, demo: boolean): Promise<number> {
  const { env, stdout } = world;
  const paint = colours(wantsColour(stdout, env));
  const say = (text: string): void => void stdout.write(`${text}\n`);
  if (!demo) {
    const found = discover();
    if (found.readable.length > 0) {
      say(`Found flow logs: ${found.readable.map(({ path, type }) => `${path} (${type})`).join(', ')}`);
      for (const note of found.refused) say(`  ${note}`);
      const config = configFrom(discoveredYaml(found), { env });
      const proof = new AbortController();
      let seen = false;
      const stop = linked(world.stop, proof.signal);
      void world.clock.sleep(PROOF_MS, world.stop).then(() => {
        if (!seen) proof.abort();
      });
      await runShown(config, { ...world, stop }, { banner: '', seen: () => (seen = true), companions: [] });
      if (world.stop.aborted) return exit.fine;
      say(`They gave no record within ${PROOF_MS / 1000} s.`);
    } else {
      say('No flow logs of this machine can be used; looked for:');
      for (const note of found.notes) say(`  ${note}`);
    }
  }
  const directory = join(defaultStateDir(env), 'demo');
  // It begins with an empty directory, which is not to be taken from one that runs.
  const owner = lockOwner(join(directory, 'state'));
  if (owner !== null)
    throw new WeirError(
      'state_unusable',
      `the demo cluster runs already, as process ${owner}: weir observe -f watches it, kill ${owner} ends it`,
    );
  const made = createDemo(directory, world.clock);
  const companion: Pump = { name: 'demo', run: ({ drain }) => made.run(drain) };
  const banner = paint.yellow(paint.bold('DEMO'));
  say(`\n${banner}  A made-up cluster, so that there is something to see. Its state is its own.`);
  await runShown(configFrom(made.yaml, { env }), world, {
    banner: `${banner}  `,
    seen: () => {},
    companions: [companion],
  });
  return exit.fine;
}

async function runShown(
  config: Config,
  world: World,
  shown: { readonly banner: string; readonly seen: () => void; readonly companions: readonly Pump[] },
): Promise<void> {
  const { stdout, env } = world;
  const options = daemonOptions(config, world);
  // On a terminal the traffic itself is the log; only what goes wrong is added to it.
  const log = createLogger(
    { ...config.log, level: 'warn' },
    { env, stream: world.stderr, secrets: config.secrets },
  );
  await runLocal({
    ...options,
    shared: { ...options.shared, log },
    companions: shown.companions,
    started() {
      stdout.write(
        `${shown.banner}State in ${config.state.dir}, at most ${bytesText(config.state.maxBytes)}. Stop with Ctrl-C.\n\n`,
      );
    },
    onlooker: (lookout) => {
      void showTraffic(lookout, {
        stdout,
        env,
        clock: world.clock,
        stop: world.stop,
        banner: shown.banner,
        seen: shown.seen,
      });
    },
  });
}

function linked(...signals: readonly AbortSignal[]): AbortSignal {
  const either = new AbortController();
  for (const signal of signals) signal.addEventListener('abort', () => either.abort());
  return either.signal;
}
