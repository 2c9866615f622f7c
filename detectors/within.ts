import type { Flow } from '../schema/records.ts';

/** Beyond it no counter is believed. */
const MOST_CONNECTIONS = 1_000_000;
const MOST_BYTES = 1e15;

/** How much of a flow falls into a window that ends with it: all, or its mean where it lasted for longer. */
export function shareWithin(flow: Flow, windowMs: number): number {
  const lastedMs = flow.endMs - flow.startMs;
  return lastedMs > windowMs ? windowMs / lastedMs : 1;
}

/** How many connections a flow stands for in a window that ends with it: at least one, whatever its counters say. */
export function connectionsIn(flow: Flow, windowMs: number): number {
  const { connectionsStarted, aggregated } = flow;
  const told = connectionsStarted !== null && connectionsStarted > 0 ? connectionsStarted : aggregated;
  if (!(told > 1) || !Number.isFinite(told)) return 1;
  return Math.min(Math.max(1, told * shareWithin(flow, windowMs)), MOST_CONNECTIONS);
}

/** A counter of bytes as far as it can be believed: 0 where it is absent, negative or no number. */
export const bytesOrNone = (bytes: number | null): number =>
  bytes !== null && bytes > 0 && Number.isFinite(bytes) ? Math.min(bytes, MOST_BYTES) : 0;
