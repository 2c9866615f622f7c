import { compileQuery } from '../query/evaluate.ts';
import { parse } from '../query/parse.ts';
import { clusterFlows } from './flows.ts';
import { measure, type BenchRow } from './measure.ts';

const QUERY =
  'verdict : deny and source.namespace : ("team-7" or "team-8") and not destination.ip : 10.0.0.0/8 and destination.port < 1024';

/** Parsing, compiling and evaluating a query of the usual length. */
export async function bench(): Promise<BenchRow[]> {
  const flows = clusterFlows()(0, 20_000);
  const predicate = compileQuery('flow', QUERY);
  const address = compileQuery('flow', 'ip : 203.0.0.0/12');
  return [
    await measure({ name: 'query: parse', unit: 'queries' }, 20_000, () => {
      for (let i = 0; i < 20_000; i++) parse(QUERY);
    }),
    await measure({ name: 'query: compile', unit: 'queries' }, 5_000, () => {
      for (let i = 0; i < 5_000; i++) compileQuery('flow', QUERY);
    }),
    await measure({ name: 'query: evaluate, 4 conditions', unit: 'flows' }, 1_000_000, () => {
      for (let round = 0; round < 50; round++) for (const flow of flows) predicate(flow);
    }),
    await measure({ name: 'query: evaluate, a network on either side', unit: 'flows' }, 1_000_000, () => {
      for (let round = 0; round < 50; round++) for (const flow of flows) address(flow);
    }),
  ];
}
