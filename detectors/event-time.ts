import type { Flow } from '../schema/records.ts';

/** How far ahead of its reader a clock may be before it is not believed. */
const MAX_AHEAD_MS = 600_000;

/**
 * Event time of a flow: its `endMs`, unless the clock that wrote it was more than ten minutes ahead of the one that read
 * it. One node that lives in another year would otherwise close every open alert and end every baseline.
 */
export const eventMs = (flow: Flow): number => Math.min(flow.endMs, flow.receivedMs + MAX_AHEAD_MS);
