import type { LearningState } from '../pipeline/contracts.ts';

/** The first stretch of event time of each cluster in a lane, in which what goes on is learned and not alerted. */
export interface Baseline {
  /** Tells it of a flow; the first one of a cluster begins its learning. */
  pass(cluster: string, timeMs: number): void;
  isLearning(cluster: string, timeMs: number): boolean;
  /** How long the cluster was seen before an event time. */
  historyMs(cluster: string, timeMs: number): number;
  /** Whether any cluster is learning as of the last flow; else whether all were last seen longer ago than they learned. */
  state(atMs?: number): LearningState;
  /** History of a cluster has passed, whether or not a flow of it came here. */
  learned(cluster: string, fromMs: number, toMs: number): void;
  section(): readonly [string, Uint8Array];
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

interface Span {
  sinceMs: number;
  lastMs: number;
}

/** More clusters than that share one span: a name that is written by an attacker costs no memory. */
const MAX_CLUSTERS = 256;

/**
 * A cluster learns for `learnMs` after its first flow, so a cluster that is added later learns too. A gap as long as that
 * inside the learning is a clock gone wrong or a long stop: learning begins anew.
 */
export function createBaseline(name: string, learnMs: number): Baseline {
  const spans = new Map<string, Span>();
  let lastCluster: string | null = null;
  let lastSpan: Span = { sinceMs: 0, lastMs: 0 };

  function spanOf(cluster: string): Span | undefined {
    if (cluster === lastCluster) return lastSpan;
    const span = spans.get(cluster) ?? (spans.size >= MAX_CLUSTERS ? spans.get('') : undefined);
    if (span !== undefined) {
      lastCluster = cluster;
      lastSpan = span;
    }
    return span;
  }

  return {
    state(atMs = -Infinity) {
      let newestMs = -Infinity;
      for (const { sinceMs, lastMs } of spans.values()) {
        if (lastMs <= sinceMs + learnMs) return 'learning';
        newestMs = Math.max(newestMs, lastMs);
      }
      if (spans.size === 0) return 'learning';
      return atMs - newestMs > learnMs ? 'stale' : 'ready';
    },
    learned(cluster, fromMs, toMs) {
      const span = spanOf(cluster);
      if (span === undefined) {
        if (spans.size < MAX_CLUSTERS) spans.set(cluster, { sinceMs: fromMs, lastMs: toMs });
        return;
      }
      span.sinceMs = Math.min(span.sinceMs, fromMs);
      span.lastMs = Math.max(span.lastMs, toMs);
    },
    pass(cluster, timeMs) {
      const span = spanOf(cluster);
      if (span === undefined) {
        spans.set(spans.size >= MAX_CLUSTERS ? '' : cluster, { sinceMs: timeMs, lastMs: timeMs });
        return;
      }
      if (span.lastMs <= span.sinceMs + learnMs && timeMs - span.lastMs > learnMs) span.sinceMs = timeMs;
      span.lastMs = timeMs;
    },
    isLearning(cluster, timeMs) {
      const span = spanOf(cluster);
      return span === undefined || timeMs <= span.sinceMs + learnMs;
    },
    historyMs(cluster, timeMs) {
      const span = spanOf(cluster);
      return span === undefined ? 0 : Math.max(0, timeMs - span.sinceMs);
    },
    section: () => [`${name}.spans`, Buffer.from(JSON.stringify([...spans]))],
    restore(sections) {
      spans.clear();
      lastCluster = null;
      const bytes = sections.get(`${name}.spans`);
      const saved = bytes ? (JSON.parse(Buffer.from(bytes).toString('utf8')) as [string, Span][]) : [];
      for (const [cluster, span] of saved) spans.set(cluster, span);
    },
  };
}
