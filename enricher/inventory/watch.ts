import type { Context } from '../../pipeline/contracts.ts';
import { messageOf } from '../../pipeline/errors.ts';
import type { Options } from '../options.ts';
import { findFiles, readFiles, type InventoryFiles } from './files.ts';
import type { InventoryIndex } from './index.ts';

export interface FileWatch {
  /** Reads everything once and then looks for changes; throws `config_invalid` when the first reading fails. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** True when flows may be enriched: all is read, or there is nothing to read. */
  ready(): boolean;
}

/**
 * Keeps the inventory equal to the files of each cluster. A reading that fails changes nothing: the old inventory
 * stays, the place is logged once for each content that is bad, and `inventory_reload_failed` is 1 until one succeeds.
 */
export function watchFiles(
  options: Options['inventory'],
  inventory: InventoryIndex,
  context: Pick<Context, 'cluster' | 'meter' | 'clock' | 'log'>,
): FileWatch {
  const { meter, clock, log } = context;
  const reloads = meter.counter('inventory_reloads_total', 'Readings of the inventory files, by outcome.', [
    'outcome',
  ]);
  const failed = meter.gauge(
    'inventory_reload_failed',
    '1 when the last reading of the files of a cluster failed.',
    ['cluster'],
  );
  const objects = meter.gauge('inventory_objects', 'Objects of the inventory that are remembered.');
  const evicted = meter.gauge(
    'inventory_evicted',
    'Versions of objects given up because of historyMs or maxVersions.',
  );
  const clusters = groups(options.files, context.cluster);
  /** What was last tried, and what was last taken over. */
  const seen = new Map<string, string>();
  const taken = new Map<string, string>();
  const asOf = new Map<string, number>();
  const abort = new AbortController();
  let isReady = clusters.length === 0;
  let loop: Promise<void> = Promise.resolve();

  /** Reads the files of a cluster when they are not those that were last tried. */
  const refresh = async ({ cluster, patterns }: InventoryFiles): Promise<void> => {
    const files = await findFiles(patterns);
    const signature = files.map((file) => `${file.path} ${file.signature}`).join('\n');
    if (seen.get(cluster) === signature) {
      if (taken.get(cluster) === signature) failed.set(0, { cluster });
      return;
    }
    // Set before reading: what is written meanwhile shows as another change at the next look.
    seen.set(cluster, signature);
    const records = await readFiles(files, cluster);
    // A list is as old as its file; a file that claims to be older than the one before it is taken to be of now.
    const changedMs = Math.max(...files.map((file) => file.changedMs));
    const previousMs = asOf.get(cluster) ?? -Infinity;
    const asOfMs = changedMs > previousMs ? changedMs : Math.max(clock.now(), previousMs);
    asOf.set(cluster, asOfMs);
    inventory.replace(cluster, records, asOfMs);
    taken.set(cluster, signature);
    const counts = inventory.counts();
    objects.set(counts.objects);
    evicted.set(counts.evicted);
    failed.set(0, { cluster });
    reloads.add(1, { outcome: 'ok' });
    log.info({ cluster, files: files.length, objects: records.length }, 'inventory read');
  };

  const poll = async (): Promise<void> => {
    const complaints = new Map<string, string>();
    while (!abort.signal.aborted) {
      await clock.sleep(options.pollMs, abort.signal);
      if (abort.signal.aborted) return;
      for (const group of clusters) {
        try {
          await refresh(group);
          complaints.delete(group.cluster);
        } catch (error) {
          const reason = messageOf(error);
          failed.set(1, { cluster: group.cluster });
          if (complaints.get(group.cluster) === reason) continue;
          complaints.set(group.cluster, reason);
          reloads.add(1, { outcome: 'failed' });
          log.error({ cluster: group.cluster, error: reason }, 'inventory not reloaded, keeping the old one');
        }
      }
    }
  };

  return {
    async start() {
      for (const group of clusters) await refresh(group);
      isReady = true;
      if (clusters.length > 0) loop = poll();
    },
    async stop() {
      abort.abort();
      await loop;
    },
    ready: () => isReady,
  };
}

function groups(files: Options['inventory']['files'], own: string): InventoryFiles[] {
  const byCluster = new Map<string, string[]>();
  for (const file of files) {
    const { path, cluster } = typeof file === 'string' ? { path: file, cluster: own } : file;
    byCluster.set(cluster, [...(byCluster.get(cluster) ?? []), path]);
  }
  return [...byCluster].map(([cluster, patterns]) => ({ cluster, patterns }));
}
