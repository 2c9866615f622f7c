import { setMaxListeners } from 'node:events';

/**
 * A signal that follows several. `AbortSignal.any` holds its sources weakly, and on Node 20 a combined signal can
 * be collected while somebody still waits for it; this one lives as long as its sources.
 */
export function anySignal(...sources: readonly AbortSignal[]): AbortSignal {
  const combined = new AbortController();
  setMaxListeners(0, combined.signal);
  const follow = (): void => {
    for (const source of sources) source.removeEventListener('abort', follow);
    combined.abort(sources.find((source) => source.aborted)?.reason);
  };
  if (sources.some((source) => source.aborted)) follow();
  else for (const source of sources) source.addEventListener('abort', follow);
  return combined.signal;
}
