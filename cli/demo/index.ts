import { createWriteStream, mkdirSync, renameSync, rmSync, writeFileSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../pipeline/contracts.ts';
import { demoInventory } from './cluster.ts';
import { demoTraffic } from './traffic.ts';

/** How much the demo cluster has already lived through when it is first looked at. */
const HISTORY_MS = 20 * 60_000;

/** Size at which the log is rotated, once: about an hour and a half of it. */
const MAX_LOG_BYTES = 50_000_000;

export interface Demo {
  /** Configuration to run it with. */
  readonly yaml: string;
  /** Writes the past at once, then a second every second until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

/** A made-up cluster that writes real flow-log lines into `directory`, which is emptied first. */
export function createDemo(directory: string, clock: Clock, maxLogBytes = MAX_LOG_BYTES): Demo {
  const flows = join(directory, 'flows.log');
  const inventory = join(directory, 'inventory.json');
  return {
    yaml: configuration(directory, flows, inventory),
    async run(signal) {
      const startMs = Math.floor((clock.now() - HISTORY_MS) / 1000) * 1000;
      const traffic = demoTraffic(startMs);
      let out = createWriteStream(flows, { flags: 'a' });
      let bytes = 0;
      let nextMs = startMs;
      while (!signal.aborted) {
        const lines: string[] = [];
        for (; nextMs <= clock.now() - 1000; nextMs += 1000)
          for (const record of traffic(nextMs)) lines.push(JSON.stringify(record));
        if (lines.length > 0) {
          const text = `${lines.join('\n')}\n`;
          bytes += text.length;
          out.write(text);
        }
        if (bytes > maxLogBytes) {
          await ended(out);
          renameSync(flows, `${flows}.1`);
          out = createWriteStream(flows, { flags: 'a' });
          bytes = 0;
        }
        await clock.sleep(500, signal);
      }
      await ended(out);
    },
  };

  function configuration(state: string, log: string, objects: string): string {
    rmSync(state, { recursive: true, force: true });
    mkdirSync(state, { recursive: true });
    writeFileSync(objects, JSON.stringify(demoInventory()));
    writeFileSync(log, '');
    return JSON.stringify({
      cluster: 'demo',
      state: { dir: join(state, 'state'), maxBytes: '1GB' },
      inventory: { files: [objects] },
      networks: { internal: ['10.0.0.0/8', '192.168.0.0/16'] },
      tenants: { label: 'tenant', default: 'platform' },
      owners: { label: 'team' },
      scopes: { pci: { namespaceLabel: { pci: 'true' } } },
      sources: { demo: { type: 'netobserv', from: { file: { path: `${log}*`, startAt: 'beginning' } } } },
      detectors: { policy_denied: {}, port_scan: {} },
      sinks: { store: { type: 'store' } },
    });
  }
}

const ended = (stream: WriteStream): Promise<void> => new Promise((resolve) => stream.end(resolve));
