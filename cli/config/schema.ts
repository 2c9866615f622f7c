import { z } from 'zod';
import { sinkKinds, type SinkKind } from '../../sinks/base-options.ts';
import { options as kibana } from '../../dashboards/kibana/options.ts';
import { options as log } from '../../telemetry/options.ts';
import { options as incidents } from '../../incidents/options.ts';
import { byteSize, duration } from '../../pipeline/units.ts';

type Options = z.ZodObject;
type Registry = Readonly<Record<string, { readonly options: Options }>>;

/** The options of every component there is, by type name. */
export interface Registries {
  readonly sources: Registry;
  readonly inputs: Registry;
  readonly detectors: Registry;
  readonly sinks: Readonly<
    Record<
      string,
      {
        readonly options: Options;
        readonly defaultRecords: readonly SinkKind[];
        readonly defaultWhere?: Readonly<Partial<Record<SinkKind, string>>>;
      }
    >
  >;
  /** One object whose keys are keys of the file: inventory, networks, … */
  readonly enricher: Options;
  readonly kafka: Options;
}

/** Names of instances become metric labels, consumer groups and file names. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
export const nameForm =
  'a name of at most 63 letters, digits, `-` and `_` that begins with a letter or digit';

const address = /^(\[[0-9a-fA-F:.]+\]|[^\s:/]*):\d{1,5}$/;

/** What stands at the top of the file and belongs to no component. */
export const top = z.strictObject({
  version: z.literal(1).default(1).describe('Version of the format of this file.'),
  cluster: z
    .string()
    .min(1)
    .max(253)
    .default('default')
    .describe('Name of this cluster; needed as soon as two clusters share a topic, a store or an index.'),
  node: z
    .string()
    .min(1)
    .max(253)
    .nullable()
    .default(null)
    .describe(
      'Name of the machine whose logs are read, for sources whose lines name none. Never guessed from the host name.',
    ),
  state: z
    .strictObject({
      dir: z
        .string()
        .min(1)
        .optional()
        .describe(
          'Directory of checkpoints, the local log, snapshots and the store; $WEIR_STATE_DIR, else the XDG state directory.',
        ),
      maxBytes: byteSize().prefault('20GB').describe('Greatest size of that directory.'),
    })
    .prefault({})
    .describe('Where this process keeps what it must remember.'),
  lanes: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe(
      'Number of lanes the detectors are spread over, 12 when absent. Fixed for the life of the state.',
    ),
  watermarks: z
    .strictObject({
      inactiveAfter: duration()
        .prefault('30s')
        .describe('An origin this much older than the newest record of its partition holds nothing up.'),
      maxHold: duration()
        .prefault('10m')
        .describe('An origin that alone is this far behind all others is no longer waited for.'),
      maxWaiting: z
        .int()
        .min(1000)
        .default(500_000)
        .describe(
          'Most flows that wait to be judged, over all lanes; beyond it the oldest are judged early.',
        ),
    })
    .prefault({})
    .describe('How long event time waits for origins that are behind.'),
  notifyMaxAge: duration()
    .prefault('1h')
    .describe('An alert whose evidence is older is stored as historical and notifies no one.'),
  incidents: incidents.prefault({}).describe('How alerts of one entity are joined.'),
  kibana: kibana
    .optional()
    .describe(
      'Kibana of the Elasticsearch that sinks write to, for `weir setup kibana` and links in alerts.',
    ),
  log: log.prefault({}).describe('Messages of this process, on standard error.'),
  listen: z
    .strictObject({
      metrics: z
        .string()
        .regex(address, 'expected HOST:PORT or :PORT')
        .nullable()
        .default(null)
        .describe(
          'Address of /metrics, /healthz and /readyz, such as `127.0.0.1:9464` or `:9464`; not served when absent.',
        ),
      api: z
        .strictObject({
          unix: z.string().min(1).max(100).describe('Path of the socket, created with mode 0600.'),
        })
        .optional()
        .describe(
          'Where `weir status` and `weir search` reach the running process; a socket in the state directory when absent.',
        ),
    })
    .prefault({})
    .describe('What this process listens on.'),
});

/** Keys every source has beside those of its decoder. */
export const sourceKeys = z.strictObject({
  type: z.string().describe('Source type: the format of the lines.'),
  from: z.record(z.string(), z.unknown()).describe('One input with its options: where the lines are read.'),
  cluster: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe('Cluster the lines are of, when another than the configured one.'),
  node: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe('Machine the lines are of, for lines that name none; the configured `node` when absent.'),
  disorder: duration()
    .optional()
    .describe(
      'How much earlier a line may begin than one before it, where its writer keeps a better or worse order than others of this type: flows are judged this much later. What comes later still is told as a loss. What is known of the type when absent.',
    ),
});

const kind = z
  .strictObject({
    where: z
      .string()
      .min(1)
      .optional()
      .describe('KQL filter over the fields of the record; all records when absent.'),
  })
  .describe('Which records of this kind.');

/** Keys every sink has beside those of its type. */
export const sinkKeys = z.strictObject({
  type: z.string().describe('Sink type.'),
  records: z
    .partialRecord(z.enum(sinkKinds), kind)
    .optional()
    .describe(
      `Kinds of record to send (${sinkKinds.join(', ')}); a kind that is not named is not sent. Without \`records\`, what its type sends by default.`,
    ),
  tenant: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Only records of this tenant, with what belongs to other tenants reduced to tenant name, port and verdict.',
    ),
  heartbeat: duration()
    .refine((ms) => ms >= 1000, 'expected at least 1s')
    .optional()
    .describe(
      "Dead-man's switch: how often a record says that Weir speaks to this sink, such as `1m`, so that the other side can alert when none comes. It is an alert of severity info with `detector: heartbeat`, sent whatever `records` says; none when absent.",
    ),
  queue: z
    .strictObject({
      maxBytes: byteSize()
        .optional()
        .describe(
          'Most that is kept for this sink; a quarter of `state.maxBytes` for each kind when absent.',
        ),
      onFull: z
        .enum(['block', 'dropOldest'])
        .default('dropOldest')
        .describe(
          '`dropOldest` gives up the oldest records, counts them and reports a loss; `block` stops reading the sources, and with them every other sink, until this one has caught up.',
        ),
    })
    .optional()
    .describe(
      'What is kept for this sink while it is behind, without Kafka. Over Kafka its backlog is the lag of its consumer group, kept as long as the topics keep it, and this has no effect.',
    ),
});

/** Keys every detector has. */
export const detectorKeys = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether the detector runs.'),
  where: z
    .string()
    .min(1)
    .optional()
    .describe('KQL filter over flows; flows that do not match are not seen by the detector.'),
});

/** Keys of the format that this version does not act on; refused rather than passed over. */
export const notYet: Readonly<Record<string, string>> = {
  summarise: 'summarised flows',
  dashboards: 'dashboards',
  lists: 'lists',
};
