import { flowIds } from '../../schema/ids.ts';
import { newEndpoint, newFlow, type Flow } from '../../schema/records.ts';

/** Overrides of a test flow, endpoints by address. */
export interface FlowParts {
  readonly origin?: string;
  readonly position?: number;
  readonly startMs?: number;
  readonly endMs?: number;
  readonly from?: string;
  readonly to?: string;
  readonly port?: number;
  readonly verdict?: Flow['verdict'];
}

export const T0 = 1_700_000_000_000;

/** A plain TCP flow; everything that is not given is the same each time. */
export function aFlow(parts: FlowParts = {}): Flow {
  const origin = parts.origin ?? 'file:a';
  const position = parts.position ?? 0;
  const source = newEndpoint();
  source.ip = parts.from ?? '10.0.0.1';
  source.port = 40_000;
  source.entity = `ip/${source.ip}`;
  const destination = newEndpoint();
  destination.ip = parts.to ?? '10.0.0.2';
  destination.port = parts.port ?? 443;
  destination.entity = `ip/${destination.ip}`;
  const startMs = parts.startMs ?? T0;
  const flow = newFlow({
    id: flowIds({ cluster: 'test', node: 'n1', collector: 'test', origin })(position),
    origin,
    position,
    cluster: 'test',
    collector: 'test',
    startMs,
    endMs: parts.endMs ?? startMs,
    receivedMs: startMs,
    source,
    destination,
  });
  flow.node = 'n1';
  flow.protocol = 6;
  flow.verdict = parts.verdict ?? 'allow';
  return flow;
}
