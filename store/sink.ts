import type { Context, Sink } from '../pipeline/contracts.ts';
import { openStore, type Store } from './index.ts';
import { options, type Options } from './options.ts';

export { options };

/** What the store's sink is given besides its context. */
export interface StoreSinkContext extends Context {
  /**
   * Names the log whose offsets the deliveries carry, so that another log's are never taken for known; null when
   * the log forgets, as memory does. `default` when absent.
   */
  readonly logId?: string | null;
}

export interface StoreSink extends Sink {
  /** The open store, for searches in the same process; null before `start` and after `stop`. */
  store(): Store | null;
}

/** The sink that writes to the embedded store. `start` opens it, unless one that is open is handed over. */
export function create(storeOptions: Options, context: StoreSinkContext, opened?: Store): StoreSink {
  let store: Store | null = opened ?? null;
  const logId = context.logId === undefined ? 'default' : context.logId;
  const rows = context.meter.counter('store_records_total', 'Records made durable in the store.');
  return {
    reads: 'bytes',
    // Fifteen writes are one row group of the database, the size it commits best; the rest keep its thread busy.
    batch: { maxRecords: 8192, maxBytes: 8 * 1024 ** 2, maxWaitMs: 100, maxInFlight: 24 },
    async start() {
      store ??= await openStore(storeOptions);
    },
    async write(items, signal) {
      signal.throwIfAborted();
      store ??= await openStore(storeOptions);
      await store.write(items, logId);
      rows.add(items.length);
    },
    async stop() {
      if (store && store !== opened) await store.close();
      store = null;
    },
    store: () => store,
  };
}
