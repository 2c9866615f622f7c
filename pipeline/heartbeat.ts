import type { Clock, Sink } from './contracts.ts';
import { heartbeat, markedDelivery } from './marked.ts';

export interface HeartbeatOptions {
  readonly sink: Sink;
  readonly name: string;
  readonly cluster: string;
  /** Tenant whose records alone the sink is given; null when it is given all. */
  readonly tenant: string | null;
  readonly everyMs: number;
  readonly clock: Clock;
  /** What the process can say of its work for this sink. */
  readonly summary: () => Promise<string>;
  /** A beat that fails is not sent again: the next one comes, and its absence is what it is for. */
  readonly failed: (error: unknown) => void;
}

/** Tells a sink again and again that Weir is alive, until the signal is aborted. Never rejects. */
export async function beat(options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { clock, tenant } = options;
  const about = { cluster: options.cluster, sink: options.name, everyMs: options.everyMs };
  while (!signal.aborted) {
    try {
      const alert = heartbeat(about, clock.now(), await options.summary());
      if (tenant !== null) Object.assign(alert, { tenant, tenants: [tenant] });
      await options.sink.write([markedDelivery('alert', alert)], signal);
    } catch (error) {
      if (!signal.aborted) options.failed(error);
    }
    await clock.sleep(options.everyMs, signal);
  }
}
