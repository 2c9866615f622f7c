import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Delivery } from '../../pipeline/contracts.ts';
import { timeOf } from '../records/about.ts';
import { toJson } from '../records/json.ts';
import { isoTime } from '../records/time.ts';

const compressed = promisify(gzip);
const HOUR_MS = 3_600_000;

/** Records of one kind and one hour of event time, with their places in the write. */
export interface Group {
  readonly kind: string;
  readonly hourMs: number;
  readonly lines: string[];
  readonly indexes: number[];
  firstMs: number;
  lastMs: number;
}

/** An object as it is put. */
export interface StoredObject {
  readonly key: string;
  readonly body: Buffer;
  /** SHA-256 of `body`. */
  readonly digest: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
}

/** By kind and hour, in the order of the items. `failed` is told of what has no JSON form. */
export function groupsOf(
  items: readonly Delivery[],
  failed: (index: number, error: unknown) => void,
): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const [index, item] of items.entries()) {
    try {
      const line = toJson(item.kind, item.record);
      const timeMs = timeOf(item);
      const hourMs = Math.floor(timeMs / HOUR_MS) * HOUR_MS;
      // Refuses what is no time, before anything is done with it.
      isoTime(hourMs);
      const name = `${item.kind} ${hourMs}`;
      let group = groups.get(name);
      if (!group) {
        group = { kind: item.kind, hourMs, lines: [], indexes: [], firstMs: timeMs, lastMs: timeMs };
        groups.set(name, group);
      }
      group.lines.push(line);
      group.indexes.push(index);
      group.firstMs = Math.min(group.firstMs, timeMs);
      group.lastMs = Math.max(group.lastMs, timeMs);
    } catch (error) {
      failed(index, error);
    }
  }
  return [...groups.values()];
}

/**
 * JSON Lines, compressed. The key ends in the digest of the lines, so the same records written again are the same
 * object, and is laid out as `kind=…/date=…/hour=…` for engines that read partitions from it.
 */
export async function objectOf(group: Group, prefix: string, cluster: string): Promise<StoredObject> {
  const text = Buffer.from(`${group.lines.join('\n')}\n`);
  const body = await compressed(text);
  const digest = sha256(body);
  const [date = '', time = ''] = isoTime(group.hourMs).split('T');
  const name = `${isoTime(group.firstMs).replace(/[-:.]/g, '')}-${sha256(text).toString('hex').slice(0, 32)}.ndjson.gz`;
  const folders = [`kind=${group.kind}`, `date=${date}`, `hour=${time.slice(0, 2)}`];
  return {
    key: [...prefix.split('/').filter((part) => part !== ''), ...folders, name].join('/'),
    body,
    digest,
    metadata: {
      'weir-sha256': digest.toString('hex'),
      'weir-records': String(group.lines.length),
      'weir-first': isoTime(group.firstMs),
      'weir-last': isoTime(group.lastMs),
      'weir-cluster': encodeURIComponent(cluster),
    },
  };
}

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
