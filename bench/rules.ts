import { fileURLToPath } from 'node:url';
import { readRuleFile } from '../cli/config/rules.ts';
import { create } from '../detectors/rule/index.ts';
import { options } from '../detectors/rule/options.ts';
import { createRoute } from '../detectors/rule/route.ts';
import { compileRule } from '../detectors/rule/rule.ts';
import { createSchedule } from '../detectors/rule/schedule.ts';
import { clusterFlows } from './flows.ts';
import { measure, type BenchRow } from './measure.ts';

const FLOWS = 100_000;
const ROUNDS = 5;

/** What the rules that come with Weir cost every flow, and those that match a flow each on top. */
export async function bench(): Promise<BenchRow[]> {
  const flows = clusterFlows()(0, FLOWS);
  const file = fileURLToPath(new URL('../../rules/recommended.yaml', import.meta.url));
  const all = readRuleFile(file).rules.map((rule) => compileRule(rule.definition));
  let seen = 0;
  const measured = (name: string, each: (flow: (typeof flows)[number]) => number): Promise<BenchRow> =>
    measure({ name, unit: 'flows' }, FLOWS * ROUNDS, () => {
      for (let round = 0; round < ROUNDS; round++) for (const flow of flows) seen += each(flow);
    });
  const rows: BenchRow[] = [];
  for (const rule of all)
    rows.push(await measured(`rules: ${rule.name}`, (flow) => (rule.matches(flow) ? 1 : 0)));
  const schedule = createSchedule(all);
  const route = createRoute(schedule, 12);
  rows.push(await measured(`rules: which lanes, ${all.length} rules`, (flow) => route(flow).length));
  const detector = create(
    options.parse({}),
    schedule,
  )({
    lane: 0,
    lanes: 1,
    maxKeys: 100_000,
    contentVersion: '',
    evicted() {},
  });
  rows.push(
    await measured(
      `rules: judge every flow, ${all.length} rules`,
      (flow) => (detector.observe(flow, 'rule') as readonly unknown[]).length,
    ),
  );
  return rows;
}
