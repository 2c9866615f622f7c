import type { Meter } from './meter.ts';
import { WeirError } from './errors.ts';

/** The same counters for every component, moved by the runtime alone. */
export interface Counters {
  received(count: number): void;
  sent(count: number): void;
  dropped(reason: string, count: number): void;
  /** Counts by code and remembers the last one for `status`. */
  failed(error: unknown): void;
  tookMs(ms: number): void;
  inFlight(count: number): void;
  /** For `status`. */
  readonly totals: Totals;
}

export interface Totals {
  received: number;
  sent: number;
  dropped: number;
  errors: number;
  inFlight: number;
  lastError: string | null;
}

export const codeOf = (error: unknown): string => (error instanceof WeirError ? error.code : 'unexpected');

export function createCounters(meter: Meter, role: string, component: string): Counters {
  const labels = { role, component };
  const received = meter.counter('received_total', 'Records a component was given.', ['role', 'component']);
  const sent = meter.counter('sent_total', 'Records a component passed on.', ['role', 'component']);
  const dropped = meter.counter('dropped_total', 'Records not passed on, by reason.', [
    'role',
    'component',
    'reason',
  ]);
  const errors = meter.counter('errors_total', 'Failures, by error code.', ['role', 'component', 'code']);
  const duration = meter.histogram('duration_seconds', 'Time one batch took.', ['role', 'component']);
  const inFlight = meter.gauge('in_flight', 'Records taken and not yet settled.', ['role', 'component']);
  const totals: Totals = { received: 0, sent: 0, dropped: 0, errors: 0, inFlight: 0, lastError: null };
  return {
    totals,
    received(count) {
      totals.received += count;
      received.add(count, labels);
    },
    sent(count) {
      totals.sent += count;
      sent.add(count, labels);
    },
    dropped(reason, count) {
      totals.dropped += count;
      dropped.add(count, { ...labels, reason });
    },
    failed(error) {
      totals.errors++;
      totals.lastError = error instanceof Error ? error.message : String(error);
      errors.add(1, { ...labels, code: codeOf(error) });
    },
    tookMs: (ms) => duration.observe(ms / 1000, labels),
    inFlight(count) {
      totals.inFlight = count;
      inFlight.set(count, labels);
    },
  };
}
