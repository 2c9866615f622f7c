import type { AclLine } from './decode.ts';

/** Length of the aligned buckets in which lines of one tuple become one flow. */
export const WINDOW_MS = 10_000;

/** The lines of one tuple, ACL and verdict in one bucket. */
export interface Group {
  readonly position: number;
  readonly cluster: string;
  readonly node: string | null;
  readonly first: AclLine;
  startMs: number;
  endMs: number;
  lines: number;
  tcpFlags: number | null;
  bareSyn: boolean;
  malformed: boolean;
}

export interface Observed {
  readonly position: number;
  readonly cluster: string;
  readonly node: string | null;
  readonly timeMs: number;
  readonly acl: AclLine;
}

/** Collapses lines in file order. Which lines meet depends on the lines alone. */
export interface Collapse {
  /** True when the line is the first of a new bucket, so that what is held has to be taken before it is added. */
  crosses(node: string | null, timeMs: number): boolean;
  add(observed: Observed): void;
  /** What is held, by position; nothing is held afterwards. */
  take(): Group[];
  readonly size: number;
  /** Position of the first line that is held; null when none is. */
  from(): number | null;
  /** End of the latest open bucket that has begun by `nowMs`; of the latest one where none has. */
  endsMs(nowMs: number): number;
}

const bucketOf = (timeMs: number): number => Math.floor(timeMs / WINDOW_MS);

/**
 * In an origin where several nodes speak their clocks differ a little: a line that is late by less than a
 * bucket still joins the groups of its own bucket. A bucket begins with the first node that comes to it from the
 * one before, so that a node whose clock is far off does not keep the buckets of the others open.
 */
export function collapse(): Collapse {
  let groups = new Map<string, Group>();
  let nodes = new Map<string | null, number>();
  /** How many nodes are in each bucket now. */
  let reached = new Map<number, number>();

  const move = (node: string | null, from: number | undefined, to: number): void => {
    if (from !== undefined) {
      const left = reached.get(from)! - 1;
      if (left > 0) reached.set(from, left);
      else reached.delete(from);
    }
    reached.set(to, (reached.get(to) ?? 0) + 1);
    nodes.set(node, to);
  };

  return {
    crosses(node, timeMs) {
      if (groups.size === 0) return false;
      const bucket = bucketOf(timeMs);
      const before = nodes.get(node);
      if (before === undefined) return !reached.has(bucket) && reached.has(bucket - 1);
      if (Math.abs(bucket - before) > 1) return true;
      return bucket > before && !reached.has(bucket);
    },
    add({ position, cluster, node, timeMs, acl }) {
      const bucket = bucketOf(timeMs);
      const before = nodes.get(node);
      // A line that is late takes its node back no bucket: the next one would begin it again.
      if (bucket !== before && bucket + 1 !== before) move(node, before, bucket);
      const key = `${acl.sourceIp} ${acl.sourcePort} ${acl.destinationIp} ${acl.destinationPort} ${acl.protocol} ${acl.icmpType} ${acl.icmpCode} ${acl.verdict} ${acl.direction} ${bucket} ${acl.aclName} ${cluster} ${node}`;
      const group = groups.get(key);
      if (!group) {
        const { tcpFlags, bareSyn, malformed } = acl;
        groups.set(key, {
          position,
          cluster,
          node,
          first: acl,
          startMs: timeMs,
          endMs: timeMs,
          lines: 1,
          tcpFlags,
          bareSyn,
          malformed,
        });
        return;
      }
      group.lines++;
      if (timeMs < group.startMs) group.startMs = timeMs;
      if (timeMs > group.endMs) group.endMs = timeMs;
      if (acl.tcpFlags !== null) group.tcpFlags = (group.tcpFlags ?? 0) | acl.tcpFlags;
      group.bareSyn ||= acl.bareSyn;
      group.malformed ||= acl.malformed;
    },
    take() {
      const taken = [...groups.values()];
      groups = new Map();
      nodes = new Map();
      reached = new Map();
      return taken;
    },
    get size() {
      return groups.size;
    },
    from() {
      for (const group of groups.values()) return group.position;
      return null;
    },
    endsMs(nowMs) {
      let begun = -Infinity;
      let latest = -Infinity;
      for (const bucket of reached.keys()) {
        if (bucket > latest) latest = bucket;
        if (bucket > begun && bucket * WINDOW_MS <= nowMs) begun = bucket;
      }
      return ((begun === -Infinity ? latest : begun) + 1) * WINDOW_MS;
    },
  };
}
