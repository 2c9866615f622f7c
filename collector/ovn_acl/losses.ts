import type { OriginContext } from '../../pipeline/contracts.ts';
import { digest } from '../../schema/ids.ts';
import { newLoss, type Loss, type LossReason } from '../../schema/records.ts';

const MAX_STREAMS = 4096;

interface Serial {
  readonly serial: number;
  readonly timeMs: number;
}

/** Last serial by node and thread; JSON, for the checkpoint. */
export type SerialState = readonly (readonly [stream: string, serial: number, timeMs: number])[];

const made = (
  context: OriginContext,
  why: LossReason,
  node: string | null,
  at: { from: number; sinceMs: number; untilMs: number },
): Loss => ({
  ...newLoss({
    id: digest(22, 'ovn_acl', why, context.origin, node, at.from, at.sinceMs),
    where: 'source.ovn_acl',
    sinceMs: at.sinceMs,
    untilMs: at.untilMs,
  }),
  cluster: context.cluster,
  node,
  collector: 'ovn_acl',
  origin: context.origin,
  why,
});

/**
 * Gaps in the serial that vlog gives each message of a thread are lines lost on the way. A serial that is not
 * greater than the one before is a restart, or a line that came late, and is no gap.
 */
export function serials(context: OriginContext, state: SerialState = []) {
  const last = new Map<string, Serial>(state.map(([stream, serial, timeMs]) => [stream, { serial, timeMs }]));
  return {
    observe(node: string | null, thread: string, serial: number, timeMs: number): Loss | null {
      const stream = `${node ?? ''}|${thread}`;
      const before = last.get(stream);
      if (!before && last.size >= MAX_STREAMS) last.delete(last.keys().next().value!);
      last.set(stream, { serial, timeMs });
      if (!before || serial <= before.serial + 1) return null;
      const loss = made(context, 'sequence_gap', node, {
        from: before.serial + 1,
        sinceMs: before.timeMs,
        untilMs: timeMs,
      });
      loss.count = serial - before.serial - 1;
      loss.fromPosition = before.serial + 1;
      loss.toPosition = serial - 1;
      loss.detail = `${context.place}: ${loss.count} log lines of thread ${thread || 'main'} are missing between serial ${before.serial} and ${serial}`;
      return loss;
    },
    state: (): SerialState => [...last].map(([stream, { serial, timeMs }]) => [stream, serial, timeMs]),
  };
}

interface Rate {
  second: number;
  lines: number;
  /** Seconds at the limit since the last report. */
  seconds: number;
  sinceMs: number;
  untilMs: number;
}

/** Share of the limit from which a second counts as cut: the meter's seconds and the log's are not the same. */
const NEAR = 0.9;

/** The meter drops in silence, so a second with about as many lines as it lets through is reported. */
export function rates(context: OriginContext, limit: number) {
  const nodes = new Map<string | null, Rate>();
  const threshold = Math.ceil(limit * NEAR);
  return {
    observe(node: string | null, timeMs: number): void {
      if (limit === 0) return;
      const second = Math.floor(timeMs / 1000);
      let rate = nodes.get(node);
      if (!rate) {
        if (nodes.size >= MAX_STREAMS) return;
        nodes.set(node, (rate = { second, lines: 0, seconds: 0, sinceMs: 0, untilMs: 0 }));
      }
      if (rate.second !== second) {
        rate.second = second;
        rate.lines = 0;
      }
      if (++rate.lines !== threshold) return;
      if (rate.seconds++ === 0) rate.sinceMs = second * 1000;
      rate.untilMs = second * 1000 + 999;
    },
    /** One report a node for what was seen since the last call. */
    take(): Loss[] {
      const losses: Loss[] = [];
      for (const [node, rate] of nodes) {
        if (rate.seconds === 0) continue;
        const loss = made(context, 'rate_limiter', node, {
          from: 0,
          sinceMs: rate.sinceMs,
          untilMs: rate.untilMs,
        });
        loss.detail = `${context.place}: in ${rate.seconds} s the log had about as many lines as its limit of ${limit}/s lets through; what was above it is missing. Raise policyAuditConfig.rateLimit, or set rateLimit of this source to what it is`;
        losses.push(loss);
      }
      nodes.clear();
      return losses;
    },
  };
}
