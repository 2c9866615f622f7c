import { existsSync, readdirSync } from 'node:fs';
import type { Delivery } from '../pipeline/contracts.ts';
import { PartialWriteError } from '../pipeline/errors.ts';
import { codecOf } from '../schema/codec.ts';
import type { Alert, Flow, Loss, RecordKind, RecordTypes } from '../schema/records.ts';
import { compileQuery } from '../query/evaluate.ts';
import { pack } from './batch.ts';
import type { EngineStats } from './engine-contract.ts';
import { lockDirectory } from './lock.ts';
import type { Methods, Page } from './messages.ts';
import { options as optionsSchema, type Options } from './options.ts';
import { boundOf, type SearchFooter } from './search.ts';
import { startThread } from '../pipeline/thread.ts';

export type { EngineStats as StoreStats } from './engine-contract.ts';
export type { SearchFooter } from './search.ts';
export { options, type Options } from './options.ts';

/** Epoch milliseconds, both inclusive; what overlaps the range is in it. Null is open. */
export interface TimeRange {
  readonly fromMs: number | null;
  readonly toMs: number | null;
}
export interface SearchOptions {
  /** At most so many, the newest; all when absent. */
  readonly limit?: number;
  /** Address, network, pod, workload or hostname, or `namespace/pod`, `namespace/workload`, on either side. */
  readonly talkedTo?: string;
}
export interface RecordOptions {
  /** KQL subset over the kind; all when absent. */
  readonly where?: string;
  readonly id?: string;
  /** Every revision; otherwise the latest of each id alone. */
  readonly revisions?: 'all' | 'latest';
  readonly limit?: number;
}

/** The embedded forensic store. One process at a time owns its directory, and in it one thread. */
export interface Store {
  /**
   * Resolves when all are durable; rejects with PartialWriteError for records that cannot be read, with a
   * retryable WeirError (`disk_full`, `sink_unavailable`) when none is known to be durable. Several writes may
   * be under way; a failed one has to be repeated before later ones of its partitions are taken. `log` names the
   * log the offsets count in: at or below its cursor nothing is written twice. Null has no cursor.
   */
  write(items: readonly Delivery[], log?: string | null): Promise<void>;
  /**
   * Flows that fit, newest first, in pages of up to 2,048. Made as they are pulled; to stop early, leave the
   * loop. Throws QueryError (`query_invalid`) at once when the query cannot be used.
   */
  search(query: string, range: TimeRange, options?: SearchOptions): AsyncIterable<readonly Flow[]>;
  count(query: string, range: TimeRange, options?: Pick<SearchOptions, 'talkedTo'>): Promise<number>;
  /** How far the store reaches beside the range; `losses` is what was not seen in it. */
  footer(range: TimeRange): Promise<SearchFooter>;
  /** Records of another kind that overlap the range, newest first. */
  records<K extends RecordKind>(
    kind: K,
    range: TimeRange,
    options?: RecordOptions,
  ): Promise<RecordTypes[K][]>;
  /** The latest revision of each alert. */
  alerts(range: TimeRange, options?: RecordOptions): Promise<Alert[]>;
  /** Every revision of one alert, oldest first; empty when there is none. */
  alert(id: string): Promise<Alert[]>;
  losses(range: TimeRange): Promise<Loss[]>;
  stats(): Promise<EngineStats>;
  /** Seals the slice being written and begins another. */
  roll(): Promise<void>;
  /** Commits what is under way and gives the directory up. */
  close(): Promise<void>;
}

const ALL: TimeRange = { fromMs: null, toMs: null };

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/**
 * Opens the store in `dir`, making it when needed. Throws `state_unusable` when another process has it, naming
 * that process, and `config_invalid` by way of zod when an option is wrong.
 */
export async function openStore(given: Partial<Options> & { dir: string }): Promise<Store> {
  const options = optionsSchema.parse(given);
  const unlock = lockDirectory(options.dir);
  const thread = startThread<Methods>({ file: WORKER, data: options, whose: "the store's" });
  try {
    await thread.call('open', []);
  } catch (error) {
    await thread.end();
    unlock();
    throw error;
  }
  let closing: Promise<void> | null = null;

  async function* search(
    query: string,
    range: TimeRange,
    { limit, talkedTo }: SearchOptions,
  ): AsyncGenerator<Flow[]> {
    const id = await thread.call('search', [
      { ...range, query, limit: limit ?? null, talkedTo: talkedTo ?? null },
    ]);
    try {
      for (let page = await thread.call('page', [id]); page; page = await thread.call('page', [id])) {
        yield decoded<'flow'>(page);
      }
    } finally {
      await thread.call('endSearch', [id]);
    }
  }

  async function records<K extends RecordKind>(
    kind: K,
    range: TimeRange,
    { where = '', id, revisions = 'latest', limit }: RecordOptions = {},
  ): Promise<RecordTypes[K][]> {
    compileQuery(kind, where);
    const page = await thread.call('events', [
      { ...range, kind, query: where, id: id ?? null, revisions, limit: limit ?? null },
    ]);
    return decoded<K>(page);
  }

  return {
    async write(items, log = 'default') {
      if (items.length === 0) return;
      const packed = pack(items, log, (size) => thread.buffer(size));
      const refusals = await thread.call(
        'write',
        [packed],
        [packed.bytes.buffer, packed.ends.buffer, packed.offsets.buffer, packed.place.buffer],
      );
      if (refusals.length > 0) throw new PartialWriteError(refusals);
    },
    search(query, range, searchOptions = {}) {
      boundOf({ query, talkedTo: searchOptions.talkedTo ?? null });
      return search(query, range, searchOptions);
    },
    async count(query, range, { talkedTo } = {}) {
      boundOf({ query, talkedTo: talkedTo ?? null });
      return thread.call('count', [{ ...range, query, talkedTo: talkedTo ?? null }]);
    },
    footer: (range) => thread.call('footer', [range]),
    records,
    alerts: (range, recordOptions = {}) => records('alert', range, recordOptions),
    async alert(id) {
      const revisions = await records('alert', ALL, { id, revisions: 'all' });
      return revisions.sort((a, b) => a.revision - b.revision);
    },
    losses: (range) => records('loss', range),
    stats: () => thread.call('stats', []),
    roll: () => thread.call('roll', []),
    close() {
      closing ??= (async () => {
        try {
          await thread.call('close', []);
        } finally {
          await thread.end();
          unlock();
        }
      })();
      return closing;
    },
  };
}

function decoded<K extends RecordKind>({ kind, bytes, ends }: Page): RecordTypes[K][] {
  const codec = codecOf(kind as K);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from(ends, (end, i) => codec.decode(buffer.subarray(i === 0 ? 0 : ends[i - 1], end)));
}

/** Whether a directory holds a store: a slice at least. */
export function isStore(dir: string): boolean {
  return existsSync(dir) && readdirSync(dir).some((name) => /^slice-\d+\.duckdb$/.test(name));
}
