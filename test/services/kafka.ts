/**
 * Real Kafka brokers. From Maven jars, run with java; or from a container; or the ones an address names.
 * The recipe was measured on 3.9.2 and 4.1.1: one node is ready in 3 s, three in 10 to 25 s on two busy cores.
 */
import { setTimeout } from 'node:timers/promises';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import kafkajs, { type Admin } from 'kafkajs';
import { makeCertificates, type Certificates } from './kafka-certificates.ts';
import {
  cached,
  freePort,
  mayHaveDocker,
  run,
  skipOrFail,
  startServer,
  until,
  workDir,
  type Server,
  type TestScope,
} from './process.ts';

export type KafkaVersion = '3.9.2' | '4.1.1';

export interface KafkaOptions {
  readonly version?: KafkaVersion;
  readonly nodes?: 1 | 3;
  /** Users by name, for SCRAM-SHA-512 and SCRAM-SHA-256, on the address clients get. */
  readonly sasl?: Readonly<Record<string, string>>;
  /** TLS on the address clients get. */
  readonly tls?: boolean;
  /** Broker settings beside or instead of the ones here. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface KafkaService {
  /** Addresses for clients, with the security asked for. */
  readonly brokers: string[];
  /** Addresses without security; the same as `brokers` when none was asked for. */
  readonly plain: string[];
  /** Null without TLS. */
  readonly certificates: Certificates | null;
  /** A client without security, for looking and for making topics; disconnected after the test. */
  readonly admin: Admin;
  readonly kafka: kafkajs.Kafka;
  /** SIGKILL to a node, counted from 0. */
  kill9(node: number): Promise<void>;
  /** Starts a node again on its data; resolves when it serves. */
  restart(node: number): Promise<void>;
  stop(): Promise<void>;
  leaderOf(topic: string, partition: number): Promise<number>;
  /** Moves the leadership of a partition away from its node; all nodes stay up. Needs three of them. */
  moveLeader(topic: string, partition: number): Promise<void>;
}

/** Brokers for a test; null when there is none and the test was skipped. */
export async function kafka(t: TestScope, options: KafkaOptions = {}): Promise<KafkaService | null> {
  const simple = (options.nodes ?? 1) === 1 && !options.sasl && !options.tls && !options.settings;
  const given = process.env['WEIR_TEST_KAFKA'];
  if (given !== undefined && simple) return outside(t, given.split(','));
  if (simple && mayHaveDocker()) {
    const contained = await fromContainer(t, options.version ?? '4.1.1').catch(() => null);
    if (contained) return contained;
  }
  const missing = await missingTool();
  if (missing !== null) {
    skipOrFail(t, `Kafka: ${missing}, no Docker daemon answers, and WEIR_TEST_KAFKA is not set`);
    return null;
  }
  return fromJars(t, options);
}

async function missingTool(): Promise<string | null> {
  for (const [command, flag] of [
    ['java', '-version'],
    ['mvn', '-version'],
  ] as const) {
    try {
      await run(command, [flag], { timeoutMs: 30_000 });
    } catch {
      return `there is no ${command}`;
    }
  }
  return null;
}

const notOurs = (): Promise<never> => Promise.reject(new Error('these brokers were not started by the test'));

function client(t: TestScope, brokers: string[]): { kafka: kafkajs.Kafka; admin: Admin } {
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
  const kafka = new kafkajs.Kafka({
    clientId: 'test',
    brokers,
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 20 },
  });
  const admin = kafka.admin();
  // The brokers are gone by now, and kafkajs may wait for an answer that one of them owes.
  t.after(() =>
    Promise.race([admin.disconnect().catch(() => {}), setTimeout(5000, undefined, { ref: false })]),
  );
  return { kafka, admin };
}

async function leaderOf(admin: Admin, topic: string, partition: number): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.find((p) => p.partitionId === partition)?.leader ?? -1;
}

async function outside(t: TestScope, brokers: string[]): Promise<KafkaService> {
  const { kafka, admin } = client(t, brokers);
  await admin.connect();
  return {
    brokers,
    plain: brokers,
    certificates: null,
    admin,
    kafka,
    kill9: notOurs,
    restart: notOurs,
    stop: () => Promise.resolve(),
    leaderOf: (topic, partition) => leaderOf(admin, topic, partition),
    moveLeader: notOurs,
  };
}

async function fromContainer(t: TestScope, version: KafkaVersion): Promise<KafkaService> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const port = await freePort();
  const container = await new GenericContainer(`apache/kafka:${version}`)
    .withExposedPorts({ container: 9092, host: port })
    .withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093',
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://localhost:${port}`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .start();
  t.after(async () => {
    await container.stop();
  });
  const service = await outside(t, [`localhost:${port}`]);
  return {
    ...service,
    stop: async () => {
      await container.stop();
    },
  };
}

// ------------------------------------------------------------------------------------------------ from jars

const bindings: Record<KafkaVersion, string> = {
  '3.9.2': '<groupId>org.slf4j</groupId><artifactId>slf4j-reload4j</artifactId><version>1.7.36</version>',
  '4.1.1':
    '<groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version>',
};

const pomOf = (version: KafkaVersion): string => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>weir.test</groupId>
  <artifactId>kafka-broker</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version></dependency>
    <!-- Without an SLF4J binding the broker runs, and logs nothing. -->
    <dependency>${bindings[version]}</dependency>
  </dependencies>
</project>
`;

const LOG4J2 = `rootLogger.level=INFO
rootLogger.appenderRefs=stdout
rootLogger.appenderRef.stdout.ref=STDOUT
appenders=stdout
appender.stdout.type=Console
appender.stdout.name=STDOUT
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=%d %p %m (%c)%n
`;
const LOG4J = `log4j.rootLogger=INFO, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d %p %m (%c)%n
`;

/** Directory with the broker's jars, fetched once. */
async function jarsOf(version: KafkaVersion): Promise<string> {
  const pom = pomOf(version);
  const digest = createHash('sha256').update(pom).digest('hex').slice(0, 8);
  const dir = await cached(`kafka-${version}-${digest}`, async (target) => {
    await writeFile(join(target, 'pom.xml'), pom);
    const libs = join(target, 'libs');
    await run(
      'mvn',
      ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${libs}`],
      {
        cwd: target,
        timeoutMs: 300_000,
      },
    );
  });
  return join(dir, 'libs', '*');
}

interface Node {
  readonly id: number;
  readonly dir: string;
  readonly plainPort: number;
  readonly controllerPort: number;
  readonly securePort: number;
}

async function fromJars(t: TestScope, options: KafkaOptions): Promise<KafkaService> {
  const version = options.version ?? '4.1.1';
  const classpath = await jarsOf(version);
  const dir = await workDir(`kafka-${version}`);
  const certificates = options.tls ? await makeCertificates(join(dir, 'tls')) : null;
  const secure = options.sasl || options.tls ? securityOf(options) : null;
  const nodes: Node[] = [];
  for (let id = 1; id <= (options.nodes ?? 1); id++) {
    const [plainPort, controllerPort, securePort] = [await freePort(), await freePort(), await freePort()];
    nodes.push({ id, dir: join(dir, `n${id}`), plainPort, controllerPort, securePort });
  }
  const clusterId = `k${randomBytes(16).toString('base64url').slice(1, 22)}`;
  const format: string[] = [];
  for (const [name, password] of Object.entries(options.sasl ?? {})) {
    for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      format.push('--add-scram', `${mechanism}=[name=${name},password=${password}]`);
    }
  }
  const tls =
    certificates === null ? null : { keystore: certificates.serverPem, truststore: certificates.caFile };
  await Promise.all(
    nodes.map(async (node) => {
      await mkdir(node.dir, { recursive: true });
      await writeFile(
        join(node.dir, 'server.properties'),
        propertiesOf(node, nodes, { options, secure, tls }),
      );
      await writeFile(join(node.dir, 'log4j2.properties'), LOG4J2);
      await writeFile(join(node.dir, 'log4j.properties'), LOG4J);
      const command = ['-Xmx128m', '-cp', classpath, 'kafka.tools.StorageTool', 'format', '-t', clusterId];
      await run('java', [...command, '-c', join(node.dir, 'server.properties'), ...format], {
        timeoutMs: 60_000,
      });
    }),
  );
  const plain = nodes.map((n) => `127.0.0.1:${n.plainPort}`);
  const servers = new Map<number, Server>();
  const start = async (node: Node): Promise<void> => {
    const logFile = join(node.dir, 'broker.log');
    await writeFile(logFile, '');
    const heap = nodes.length === 1 ? '400m' : '300m';
    const server = await startServer({
      name: `kafka ${version} node ${node.id}`,
      command: 'java',
      args: [
        `-Xmx${heap}`,
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        `-Dlog4j2.configurationFile=${join(node.dir, 'log4j2.properties')}`,
        `-Dlog4j.configuration=file:${join(node.dir, 'log4j.properties')}`,
        '-cp',
        classpath,
        'kafka.Kafka',
        join(node.dir, 'server.properties'),
      ],
      logFile,
      ready: async () => (await readFile(logFile, 'utf8')).includes('Kafka Server started'),
    });
    servers.set(node.id, server);
  };
  t.after(async () => {
    await Promise.all([...servers.values()].map((s) => s.kill()));
  });
  await Promise.all(nodes.map(start));
  const { kafka, admin } = client(t, plain);
  await admin.connect();
  await until('all brokers', async () => (await admin.describeCluster()).brokers.length === nodes.length);

  const nodeAt = (index: number): Node => {
    const node = nodes[index];
    if (!node) throw new Error(`there is no node ${index}`);
    return node;
  };
  return {
    brokers: secure ? nodes.map((n) => `127.0.0.1:${n.securePort}`) : plain,
    plain,
    certificates,
    admin,
    kafka,
    async kill9(index) {
      await servers.get(nodeAt(index).id)?.kill();
    },
    restart: (index) => start(nodeAt(index)),
    async stop() {
      await Promise.all([...servers.values()].map((s) => s.kill()));
    },
    leaderOf: (topic, partition) => leaderOf(admin, topic, partition),
    async moveLeader(topic, partition) {
      const leader = await leaderOf(admin, topic, partition);
      const replicas = nodes.map((n) => n.id).filter((id) => id !== leader);
      await admin.alterPartitionReassignments({
        topics: [{ topic, partitionAssignment: [{ partition, replicas }] }],
      });
      let now = leader;
      await until('the leader to move', async () => {
        now = await leaderOf(admin, topic, partition);
        return now >= 0 && now !== leader;
      });
      const all = [now, ...nodes.map((n) => n.id).filter((id) => id !== now)];
      await admin.alterPartitionReassignments({
        topics: [{ topic, partitionAssignment: [{ partition, replicas: all }] }],
      });
      await until('all replicas to be in sync', async () => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        return topics[0]?.partitions.find((p) => p.partitionId === partition)?.isr.length === nodes.length;
      });
    },
  };
}

function securityOf(options: KafkaOptions): 'SASL_SSL' | 'SASL_PLAINTEXT' | 'SSL' {
  if (options.sasl) return options.tls ? 'SASL_SSL' : 'SASL_PLAINTEXT';
  return 'SSL';
}

function propertiesOf(
  node: Node,
  nodes: readonly Node[],
  how: {
    readonly options: KafkaOptions;
    readonly secure: string | null;
    readonly tls: { readonly keystore: string; readonly truststore: string } | null;
  },
): string {
  const { secure, tls, options } = how;
  const many = nodes.length > 1;
  const login = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const prefix = `listener.name.${(secure ?? '').toLowerCase()}`;
  const own = secure === null ? '' : `,${secure}://127.0.0.1:${node.securePort}`;
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(node.id),
    'controller.quorum.voters': nodes.map((n) => `${n.id}@127.0.0.1:${n.controllerPort}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${node.plainPort},CONTROLLER://127.0.0.1:${node.controllerPort}${own}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.plainPort}${own}`,
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(node.dir, 'data'),
    'offsets.topic.replication.factor': many ? '3' : '1',
    'offsets.topic.num.partitions': '5',
    'transaction.state.log.replication.factor': many ? '3' : '1',
    'transaction.state.log.min.isr': many ? '2' : '1',
    'default.replication.factor': many ? '3' : '1',
    'min.insync.replicas': many ? '2' : '1',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'auto.create.topics.enable': 'false',
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'log.cleaner.enable': 'false',
    ...(options.sasl
      ? {
          'sasl.enabled.mechanisms': 'SCRAM-SHA-512,SCRAM-SHA-256',
          [`${prefix}.scram-sha-512.sasl.jaas.config`]: login,
          [`${prefix}.scram-sha-256.sasl.jaas.config`]: login,
        }
      : {}),
    ...(tls
      ? {
          'ssl.keystore.type': 'PEM',
          'ssl.keystore.location': tls.keystore,
          'ssl.truststore.type': 'PEM',
          'ssl.truststore.location': tls.truststore,
        }
      : {}),
    ...options.settings,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
