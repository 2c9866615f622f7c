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
  /** End of the latest bucket that is open. */
  endsMs(): number;
}

const bucketOf = (timeMs: number): number => Math.floor(timeMs / WINDOW_MS);

/**
 * In an origin where several nodes speak their clocks differ a little: a line that is late by less than a
 * bucket still joins the groups of its own bucket, and one node whose clock is far off does not keep the
 * buckets of the others open.
 */
export function collapse(): Collapse {
  let groups = new Map<string, Group>();
  let nodes = new Map<string | null, number>();
  let latest = -Infinity;
  return {
    crosses(node, timeMs) {
      if (groups.size === 0) return false;
      const bucket = bucketOf(timeMs);
      const before = nodes.get(node);
      if (before === undefined) return bucket === latest + 1;
      return bucket !== before && (bucket > latest || Math.abs(bucket - before) > 1);
    },
    add({ position, cluster, node, timeMs, acl }) {
      const bucket = bucketOf(timeMs);
      if (bucket > latest) latest = bucket;
      nodes.set(node, bucket);
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
      latest = -Infinity;
      return taken;
    },
    get size() {
      return groups.size;
    },
    from() {
      for (const group of groups.values()) return group.position;
      return null;
    },
    endsMs: () => (latest + 1) * WINDOW_MS,
  };
}
