import type { Alert, DeadLetter, Flow, Incident, Loss } from '../../schema/records.ts';
import type { SearchFooter, Store, TimeRange } from '../../store/index.ts';
import type { Decided, Wanted } from '../wire/decisions.ts';
import type { Replayed } from '../../pipeline/letter-box.ts';
import type { Report } from '../wire/process.ts';

export interface FlowSearch extends TimeRange {
  readonly query: string;
  readonly talkedTo: string | null;
  readonly limit: number | null;
}

export interface AlertSearch extends TimeRange {
  readonly where: string;
  readonly limit: number | null;
}

export interface LetterSearch {
  /** Over the fields of a dead letter; empty for all. */
  readonly where: string;
  readonly limit: number;
}

/** What was and was not seen in a range, for the last line of an answer. */
export interface Completeness {
  readonly footer: SearchFooter;
  readonly losses: readonly Loss[];
}

/** Questions that are answered from the store, by the process that has it or straight from its files. */
export interface Forensics {
  flows(search: FlowSearch): AsyncIterable<readonly Flow[]>;
  completeness(range: TimeRange): Promise<Completeness>;
  alerts(search: AlertSearch): Promise<readonly Alert[]>;
  /** Every revision, oldest first. */
  alert(id: string): Promise<readonly Alert[]>;
  incidents(search: AlertSearch): Promise<readonly Incident[]>;
  /** Every revision, oldest first. */
  incident(id: string): Promise<readonly Incident[]>;
}

/** The running process: the store's answers, and what only a process knows. */
export interface Running extends Forensics {
  status(): Promise<Report>;
  /** Flows and alerts as they come. */
  observe(signal: AbortSignal): AsyncIterable<Observed>;
  /** Acknowledges or closes an incident. */
  decide(wanted: Wanted): Promise<Decided>;
  /** The newest of the dead letters that are still to be delivered, oldest first. */
  letters(search: LetterSearch): Promise<readonly Letter[]>;
  /** Delivers dead letters after all, the oldest first, and tells of each what became of it. */
  replayLetters(
    search: LetterSearch,
    told: (outcome: Replayed) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
}

/** Whether a resource changes something when it is called, rather than asks. */
export const isChange = (resource: string): boolean =>
  ['/v1/decide', '/v1/deadletters/replay'].some((path) => resource.startsWith(path));

/** A dead letter as a person reads it; what was refused as text. */
export type Letter = Omit<DeadLetter, 'payload'> & { readonly payload: string };

export type Observed = { readonly flow: Flow } | { readonly alert: Alert };

export function storeForensics(store: Store): Forensics {
  return {
    flows: ({ query, talkedTo, limit, ...range }) =>
      store.search(query, range, {
        ...(talkedTo === null ? {} : { talkedTo }),
        ...(limit === null ? {} : { limit }),
      }),
    async completeness(range) {
      return { footer: await store.footer(range), losses: await store.losses(range) };
    },
    alerts: ({ where, limit, ...range }) =>
      store.alerts(range, { where, ...(limit === null ? {} : { limit }) }),
    alert: (id) => store.alert(id),
    incidents: ({ where, limit, ...range }) =>
      store.records('incident', range, { where, ...(limit === null ? {} : { limit }) }),
    async incident(id) {
      const always = { fromMs: null, toMs: null };
      const revisions = await store.records('incident', always, { id, revisions: 'all' });
      return revisions.sort((a, b) => a.revision - b.revision);
    },
  };
}
