import kafkajs, { type Admin, type ITopicConfig } from 'kafkajs';
import type { Logger } from '../../pipeline/contracts.ts';
import { WeirError } from '../../pipeline/errors.ts';
import { kafkaClient } from './client.ts';
import { explain, kindOf } from './errors.ts';
import type { Options, TopicKey } from './options.ts';
import { topicSettings, type TopicSettings } from './topics.ts';

/** One difference between what a topic is and what it should be. */
export interface TopicDifference {
  readonly topic: string;
  readonly setting: string;
  readonly expected: string;
  /** `missing` when there is no such topic. */
  readonly found: string;
  /** What was done, would be done in a dry run, or is left to a person. */
  readonly action: 'created' | 'changed' | 'would create' | 'would change' | 'by hand';
}

/** Settings that decide whether Weir works; the rest is the operator's. */
const MAX_MESSAGE_BYTES = 1_048_588;

export const topicConfig = (settings: TopicSettings): Readonly<Record<string, string>> => ({
  'cleanup.policy': settings.cleanup,
  'message.timestamp.type': 'LogAppendTime',
  'max.message.bytes': String(MAX_MESSAGE_BYTES),
  ...(settings.retentionMs === null ? {} : { 'retention.ms': String(settings.retentionMs) }),
});

/** Partitions by topic, of those of `settings` that exist and may be seen. */
async function partitionsOf(
  admin: Admin,
  settings: Readonly<Record<TopicKey, TopicSettings>>,
  keys: readonly TopicKey[],
): Promise<Map<TopicKey, number>> {
  const visible = new Set(await admin.listTopics());
  const there = keys.filter((key) => visible.has(settings[key].name));
  const counts = new Map<TopicKey, number>();
  if (there.length === 0) return counts;
  const { topics } = await admin.fetchTopicMetadata({ topics: there.map((key) => settings[key].name) });
  for (const key of there) {
    const found = topics.find((t) => t.name === settings[key].name);
    if (found) counts.set(key, found.partitions.length);
  }
  return counts;
}

/** Configuration of topics, by name and setting; empty where this user may not see it. */
async function configOf(admin: Admin, names: readonly string[]): Promise<Map<string, Map<string, string>>> {
  const found = new Map<string, Map<string, string>>();
  if (names.length === 0) return found;
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
    });
    for (const { resourceName, configEntries } of resources) {
      found.set(resourceName, new Map(configEntries.map((e) => [e.configName, e.configValue])));
    }
  } catch (error) {
    if (kindOf(error) !== 'refused') throw error;
  }
  return found;
}

/**
 * Partitions of each topic that is used. Throws log_misconfigured, naming every topic that is missing or would
 * make results wrong: another number of lanes, records deleted by key, or clocks of producers for append times.
 */
export async function checkTopics(
  admin: Admin,
  settings: Readonly<Record<TopicKey, TopicSettings>>,
  keys: readonly TopicKey[],
): Promise<ReadonlyMap<TopicKey, number>> {
  const counts = await partitionsOf(admin, settings, keys);
  const config = await configOf(
    admin,
    [...counts.keys()].map((key) => settings[key].name),
  );
  const wrong: string[] = [];
  for (const key of keys) {
    const { name, partitions, cleanup } = settings[key];
    const count = counts.get(key);
    if (count === undefined) {
      wrong.push(`${name} is missing, or this user may not see it`);
      continue;
    }
    const fixed = key === 'enriched' || key === 'rekeyed' || key === 'state' || key === 'schemas';
    if (fixed && count !== partitions) wrong.push(`${name} has ${count} partitions, expected ${partitions}`);
    const own = config.get(name);
    const policy = own?.get('cleanup.policy');
    if (policy !== undefined && policy.includes('compact') !== (cleanup === 'compact')) {
      wrong.push(`${name} has cleanup.policy ${policy}, expected ${cleanup}`);
    }
    const stamp = own?.get('message.timestamp.type');
    if (stamp !== undefined && stamp !== 'LogAppendTime') {
      wrong.push(`${name} has message.timestamp.type ${stamp}, expected LogAppendTime`);
    }
  }
  if (wrong.length > 0) {
    throw new WeirError('log_misconfigured', `${wrong.join('; ')}: run 'weir setup kafka'`);
  }
  return counts;
}

const SERVED_TRIES = 60;
const SERVED_PAUSE_MS = 250;
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SERVED_PAUSE_MS));

/**
 * A topic that was just made is unknown to some broker for a moment. kafkajs, told to wait for leaders, gives up
 * over that; here it is asked again.
 */
async function untilServed(admin: Admin, topics: string[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const metadata = await admin.fetchTopicMetadata({ topics });
      if (metadata.topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))) return;
      if (attempt === SERVED_TRIES) throw new Error(`no leader for a partition of ${topics.join(', ')} yet`);
    } catch (error) {
      if (attempt === SERVED_TRIES || kindOf(error) === 'refused') throw error;
    }
    await pause();
  }
}

/** A broker may show the old settings for a moment after it has taken new ones. */
async function untilChanged(admin: Admin, differences: readonly TopicDifference[]): Promise<void> {
  const changed = differences.filter(({ action }) => action === 'changed');
  for (let attempt = 1; changed.length > 0 && attempt <= SERVED_TRIES; attempt++) {
    const config = await configOf(admin, [...new Set(changed.map(({ topic }) => topic))]);
    if (changed.every(({ topic, setting, expected }) => config.get(topic)?.get(setting) === expected)) return;
    await pause();
  }
}

/**
 * Creates the topics that are missing and compares the others, changing what can be changed without touching a
 * record. A number of partitions is never changed: keys would move to other lanes. Everything it finds is in the
 * list; with `dryRun` nothing is done.
 */
export async function setupTopics(
  options: Options,
  log: Logger,
  how: { readonly dryRun: boolean },
): Promise<readonly TopicDifference[]> {
  const settings = topicSettings(options);
  const keys = Object.keys(settings) as TopicKey[];
  const admin = kafkaClient(options, log).admin();
  try {
    await admin.connect();
    const counts = await partitionsOf(admin, settings, keys);
    const missing = keys.filter((key) => !counts.has(key));
    if (!how.dryRun && missing.length > 0) {
      await admin.createTopics({
        topics: missing.map((key) => creation(settings[key])),
        waitForLeaders: false,
      });
      await untilServed(
        admin,
        missing.map((key) => settings[key].name),
      );
    }
    const differences: TopicDifference[] = missing.map((key) => ({
      topic: settings[key].name,
      setting: 'topic',
      expected: `${settings[key].partitions} partitions, cleanup.policy ${settings[key].cleanup}`,
      found: 'missing',
      action: how.dryRun ? 'would create' : 'created',
    }));
    const config = await configOf(
      admin,
      [...counts.keys()].map((key) => settings[key].name),
    );
    for (const [key, count] of counts) {
      differences.push(
        ...(await compare(admin, settings[key], count, config.get(settings[key].name), how.dryRun)),
      );
    }
    await untilChanged(admin, differences);
    return differences;
  } catch (error) {
    throw explain(error, 'setup of topics');
  } finally {
    await admin.disconnect();
  }
}

function creation(settings: TopicSettings): ITopicConfig {
  return {
    topic: settings.name,
    numPartitions: settings.partitions,
    replicationFactor: settings.replication ?? -1,
    configEntries: Object.entries(topicConfig(settings)).map(([name, value]) => ({ name, value })),
  };
}

async function compare(
  admin: Admin,
  settings: TopicSettings,
  partitions: number,
  config: ReadonlyMap<string, string> | undefined,
  dryRun: boolean,
): Promise<readonly TopicDifference[]> {
  const { name: topic } = settings;
  const differences: TopicDifference[] = [];
  if (partitions !== settings.partitions) {
    const [expected, found] = [String(settings.partitions), String(partitions)];
    differences.push({ topic, setting: 'partitions', expected, found, action: 'by hand' });
  }
  const wanted = topicConfig(settings);
  const changes = Object.entries(wanted).filter(([name, value]) => {
    const found = config?.get(name);
    return (
      found !== undefined &&
      found !== value &&
      !(name === 'max.message.bytes' && Number(found) > Number(value))
    );
  });
  if (changes.length > 0 && !dryRun) {
    // The request replaces all settings of the topic: what was set before goes with it, so it is sent again.
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: Object.entries({
            ...(await ownConfig(admin, topic)),
            ...Object.fromEntries(changes),
          }).map(([name, value]) => ({ name, value })),
        },
      ],
    });
  }
  for (const [setting, expected] of changes) {
    const found = config?.get(setting) ?? '';
    differences.push({ topic, setting, expected, found, action: dryRun ? 'would change' : 'changed' });
  }
  return differences;
}

/** Settings made on the topic itself. */
async function ownConfig(admin: Admin, topic: string): Promise<Record<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
  });
  const own = (resources[0]?.configEntries ?? []).filter((e) => !e.isDefault);
  return Object.fromEntries(own.map((e) => [e.configName, e.configValue]));
}
