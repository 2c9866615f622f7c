import type { Context, Stage } from '../pipeline/contracts.ts';
import { messageOf } from '../pipeline/errors.ts';
import { EndpointKinds, type Flow } from '../schema/records.ts';
import { createCache } from './cache.ts';
import { classifier } from './classify.ts';
import { createEnrich } from './enrich.ts';
import { createInventory, type InventoryIndex } from './inventory/index.ts';
import { watchFiles } from './inventory/watch.ts';
import type { Options } from './options.ts';
import { createResolver } from './resolve.ts';

/** Resolves both endpoints of every flow, in place; order and count of flows are kept. */
export interface Enricher extends Stage<Flow, Flow> {
  start(signal: AbortSignal): Promise<void>;
  stop(signal?: AbortSignal): Promise<void>;
  /**
   * Takes new `networks`, `tenants`, `owners` and `scopes`; throws `config_invalid` and keeps the old ones where
   * these cannot be used. `inventory` is fixed at the start: its files are watched instead.
   */
  reload(options: Options): void;
  /** For `status` and for tools that ask who an address was. */
  readonly inventory: InventoryIndex;
}

/** What else an inventory can say, such as one that is read from a topic and may lag. */
export interface EnricherContext extends Pick<Context, 'cluster' | 'meter' | 'clock' | 'log'> {
  /** Event time up to which the inventory of a cluster is complete; files are always, so by default Infinity. */
  readonly caughtUpToMs?: (cluster: string) => number;
}

/** Construction is inert; `start` reads the inventory, or throws `config_invalid` saying where it is wrong. */
export async function createEnricher(options: Options, context: EnricherContext): Promise<Enricher> {
  const { meter, log } = context;
  const endpoints = meter.counter(
    'enrich_endpoints_total',
    'Endpoints enriched, by what they turned out to be.',
    ['kind'],
  );
  const evictions = meter.counter(
    'enrich_cache_evictions_total',
    'Resolved addresses given up because the cache was full.',
  );
  const stale = meter.counter(
    'enrich_stale_total',
    'Flows enriched before the inventory had caught up with their time.',
  );
  const inventory = createInventory(options.inventory);
  const cache = createCache(options.inventory.cacheEntries, (count) => evictions.add(count));
  const caughtUpToMs = context.caughtUpToMs ?? null;
  const watch = watchFiles(options.inventory, inventory, context);

  const build = (from: Options) => createEnrich(createResolver(from, classifier(from)), cache, inventory);
  let enrich = build(options);
  let generation = inventory.generation();
  let started: Promise<void> | null = null;

  // Seven numbers beside the list of kinds: a Map here cost a fifth of the whole step.
  const counts = new Uint32Array(EndpointKinds.length);
  const run = (flows: readonly Flow[]): readonly Flow[] => {
    if (inventory.generation() !== generation) {
      generation = inventory.generation();
      cache.clear();
    }
    counts.fill(0);
    let late = 0;
    for (const flow of flows) {
      enrich(flow);
      if (caughtUpToMs !== null && caughtUpToMs(flow.cluster) < flow.endMs) {
        flow.inventoryStale = true;
        late++;
      }
      counts[EndpointKinds.indexOf(flow.source.kind)]!++;
      counts[EndpointKinds.indexOf(flow.destination.kind)]!++;
    }
    for (const [i, kind] of EndpointKinds.entries()) if (counts[i]! > 0) endpoints.add(counts[i]!, { kind });
    if (late > 0) stale.add(late);
    return flows;
  };

  return {
    inventory,
    start: () => (started ??= watch.start()),
    stop: () => watch.stop(),
    apply(flows) {
      if (watch.ready()) return run(flows);
      return (started ??= watch.start()).then(() => run(flows));
    },
    reload(next) {
      try {
        enrich = build(next);
      } catch (error) {
        log.error(
          { error: messageOf(error) },
          'networks, tenants or scopes not reloaded, keeping the old ones',
        );
        throw error;
      }
      cache.clear();
    },
  };
}
