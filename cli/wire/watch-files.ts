import { readFileSync } from 'node:fs';
import { messageOf } from '../../pipeline/errors.ts';
import type { Pump } from '../../pipeline/lifecycle.ts';
import { digest } from '../../schema/ids.ts';
import type { Shared } from './process.ts';

export interface WatchOptions {
  /** What the files hold, such as `rules`: in the names of metrics and in messages. */
  readonly what: 'rules' | 'suppressions';
  readonly everyMs: number;
  /** Which files there are now. */
  readonly files: () => readonly string[];
  /** Reads them again and makes what they say known. */
  readonly reload: () => Promise<void>;
}

/** Looks at files now and then. What cannot be used changes nothing, and is told once. */
export function watchFiles(
  { what, everyMs, files, reload }: WatchOptions,
  { clock, log, meter }: Shared,
): Pump {
  const failed = meter.gauge(`${what}_reload_failed`, `1 when the last reading of changed ${what} failed.`);
  const reloads = meter.counter(`${what}_reloads_total`, `Readings of changed ${what}, by outcome.`, [
    'outcome',
  ]);
  let seen = textsOf(files());
  failed.set(0);
  return {
    name: `${what} files`,
    async run({ drain }) {
      for (;;) {
        await clock.sleep(everyMs, drain);
        if (drain.aborted) return;
        const now = textsOf(files());
        if (now === seen) continue;
        seen = now;
        try {
          await reload();
          failed.set(0);
          reloads.add(1, { outcome: 'ok' });
          // New patterns may name other files than before.
          seen = textsOf(files());
        } catch (error) {
          failed.set(1);
          reloads.add(1, { outcome: 'failed' });
          log.error({ error: messageOf(error) }, `${what} not reloaded, keeping the old ones`);
        }
      }
    },
  };
}

/** Digest of all that is written there. Reading follows links anew, so the swap of a ConfigMap is a change. */
function textsOf(paths: readonly string[]): string {
  return digest(
    22,
    ...paths.flatMap((path) => {
      try {
        return [path, readFileSync(path, 'utf8')];
      } catch {
        return [path, null];
      }
    }),
  );
}
