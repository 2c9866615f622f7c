import type { ClusterView } from './inventory/index.ts';

/** Whose an address was in a cluster at a time; without address only names are asked for. */
export interface Question {
  readonly cluster: string;
  readonly view: ClusterView | null;
  readonly network: string | null;
  readonly ip: string | null;
  readonly timeMs: number;
}
