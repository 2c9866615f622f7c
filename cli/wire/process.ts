/** What all parts of one process share. */
import type { Clock, Context, Logger } from '../../pipeline/contracts.ts';
import type { Meter } from '../../pipeline/meter.ts';

export interface Shared {
  readonly cluster: string;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly log: Logger;
  readonly board: Board;
}

export const contextOf = (shared: Shared, name: string, cluster = shared.cluster): Context => ({
  name,
  cluster,
  meter: shared.meter,
  clock: shared.clock,
  log: shared.log,
});

/** What `weir status` shows: every part puts up a line and answers for it when asked. */
export interface Board {
  put(section: Section, name: string, line: () => Line | Promise<Line>): void;
  /** The same for lines that come and go; each has its `name`. */
  putAll(section: Section, lines: () => readonly Line[]): void;
  read(): Promise<Report>;
}

export const sections = ['sources', 'detectors', 'suppressions', 'sinks', 'deadLetters'] as const;
export type Section = (typeof sections)[number];
export type Line = Readonly<Record<string, string | number | boolean | null>>;
export type Report = Readonly<Record<Section, readonly Line[]>>;

export function createBoard(): Board {
  const lines: { section: Section; name: string; line: () => Line | Promise<Line> }[] = [];
  const lists: { section: Section; lines: () => readonly Line[] }[] = [];
  return {
    put: (section, name, line) => void lines.push({ section, name, line }),
    putAll: (section, all) => void lists.push({ section, lines: all }),
    async read() {
      const report: Record<Section, Line[]> = {
        sources: [],
        detectors: [],
        suppressions: [],
        sinks: [],
        deadLetters: [],
      };
      for (const { section, name, line } of lines) report[section].push({ name, ...(await line()) });
      for (const { section, lines: all } of lists) report[section].push(...all());
      return report;
    },
  };
}
