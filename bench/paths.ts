import { copyFloor, copyFlows } from './file-to-file.ts';
import type { BenchRow } from './measure.ts';
import { runWhole, timed } from './whole.ts';

const FLOOR = 'path: JSON lines read, parsed, written as JSON (floor)';

/** What each process of the paths does with the file of NetObserv lines it is given. */
export const paths: Readonly<
  Record<string, (file: { path: string; dir: string; count: number }) => Promise<BenchRow>>
> = {
  floor: ({ path, dir }) => timed({ name: FLOOR }, () => copyFloor(path, dir)),
  json: ({ path, dir }) =>
    timed({ name: 'path: NetObserv lines to flows to JSON, file to file', floor: FLOOR }, () =>
      copyFlows(path, dir),
    ),
  judged: ({ path, count }) =>
    timed({ name: 'path: file, enrich, log on disk, two detectors', floor: FLOOR }, async () => {
      const { flows } = await runWhole({ path, count, store: false });
      return flows;
    }),
  whole: ({ path, count }) =>
    timed({ name: 'path (a): file, enrich, log on disk, two detectors, store', floor: FLOOR }, async () => {
      const { flows } = await runWhole({ path, count });
      return flows;
    }),
  everything: ({ path, count }) =>
    timed(
      { name: 'path (a) with every detector and the rules that come with Weir', floor: FLOOR },
      async () => {
        const { flows } = await runWhole({ path, count, detectors: 'all' });
        return flows;
      },
    ),
};
