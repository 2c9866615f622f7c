import type { Attack } from '../../schema/records.ts';

/** New edges of one source within a window, before they weigh enough. */
export interface Pending {
  readonly sinceMs: number;
  /** What the source usually adds in a window, as of its beginning. */
  readonly expected: number;
  weight: number;
  count: number;
  entersScope: boolean;
  edges: string[];
  /** Of both ends of these edges. */
  tenants: string[];
  ports: number[];
  attack: Attack[];
}

export const newPending = (sinceMs: number, expected: number): Pending => ({
  sinceMs,
  expected,
  weight: 0,
  count: 0,
  entersScope: false,
  edges: [],
  tenants: [],
  ports: [],
  attack: [],
});
