import { topics } from '../../pipeline/log.ts';
import { topicKeys, type Options, type TopicKey } from './options.ts';

/** What a topic should be like. */
export interface TopicSettings {
  readonly key: TopicKey;
  readonly name: string;
  readonly partitions: number;
  /** Null: the broker's default. */
  readonly replication: number | null;
  readonly cleanup: 'delete' | 'compact';
  /** Null on compacted topics. */
  readonly retentionMs: number | null;
}

const DAY_MS = 86_400_000;

const defaults: Record<TopicKey, { partitions: number | 'lanes'; days: number | null }> = {
  flows: { partitions: 'lanes', days: 1 },
  enriched: { partitions: 'lanes', days: 3 },
  rekeyed: { partitions: 'lanes', days: 3 },
  alerts: { partitions: 3, days: 30 },
  incidents: { partitions: 3, days: 30 },
  policyChanges: { partitions: 1, days: 30 },
  losses: { partitions: 1, days: 30 },
  access: { partitions: 1, days: 30 },
  inventory: { partitions: 1, days: null },
  control: { partitions: 1, days: 30 },
  deadletter: { partitions: 1, days: 14 },
  state: { partitions: 'lanes', days: 7 },
  schemas: { partitions: 1, days: null },
};

const ownNames = { state: 'weir.state', schemas: 'weir.schemas' } as const;

const defaultName = (key: TopicKey): string =>
  key === 'state' || key === 'schemas' ? ownNames[key] : topics[key].name;

/** Partitions on which lane k is partition k: they belong together on one member. */
export const laneTopics = ['enriched', 'rekeyed', 'state'] as const satisfies readonly TopicKey[];

/** Settings of every topic: what is configured, else the defaults. */
export function topicSettings(options: Options): Record<TopicKey, TopicSettings> {
  const all = {} as Record<TopicKey, TopicSettings>;
  for (const key of topicKeys) {
    const own = options.topics[key];
    const base = defaults[key];
    const cleanup = own?.cleanup ?? (base.days === null ? 'compact' : 'delete');
    all[key] = {
      key,
      name: own?.name ?? options.prefix + defaultName(key),
      partitions: own?.partitions ?? (base.partitions === 'lanes' ? options.lanes : base.partitions),
      replication: own?.replication ?? null,
      cleanup,
      retentionMs: cleanup === 'compact' ? null : (own?.retentionMs ?? (base.days ?? 7) * DAY_MS),
    };
  }
  return all;
}
