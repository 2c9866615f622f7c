import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definition } from '../../detectors/rule/definition.ts';
import { create } from '../../detectors/rule/index.ts';
import { options } from '../../detectors/rule/options.ts';
import { createRoute } from '../../detectors/rule/route.ts';
import { compileRule } from '../../detectors/rule/rule.ts';
import { createSchedule } from '../../detectors/rule/schedule.ts';
import { localPlan, partitionedPlan, type LanePlanOptions } from '../../pipeline/lane-plan.ts';
import type { LogEntry } from '../../pipeline/log.ts';
import { partitionOf } from '../../pipeline/partition.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { logEntry, markAt } from '../pipeline/fake-log.ts';
import { canonical } from './harness.ts';
import { addresses, flowsOf, ports, T0 } from './scenario.ts';

const LANES = 4;
const fail = (): never => assert.fail('no flow fails, is late or overflows');
const callbacks = { failed: fail, late: fail, overflowed: fail };

test('rules raise the same alerts in one process and in a lane a process, whatever they group by', () => {
  const groupings = [[], ['destination.port'], ['source.ip', 'destination.port'], ['destination.entity']];
  const schedule = createSchedule(
    groupings.map((groupBy, i) =>
      compileRule(
        definition.parse({
          name: `rule${i}`,
          where: 'verdict : *',
          groupBy,
          when: { count: '>= 3', within: '1m' },
          severity: 'low',
          message: 'seen',
        }),
      ),
    ),
  );
  const route = createRoute(schedule, LANES);
  const planned: LanePlanOptions = {
    lanes: LANES,
    detectors: [
      {
        name: 'rule',
        factory: create(options.parse({}), schedule),
        where: null,
        maxKeys: 10_000,
        content: '',
      },
    ],
    maxWaiting: 100_000,
    evicted: () => {},
    ruleLanes: route,
  };
  const flows = flowsOf([
    {
      at: '0s',
      times: 300,
      from: addresses('10.5', 7),
      to: addresses('10.6', 5),
      port: ports(80, 3),
      fate: 'allowed',
    },
  ]);
  const read = (of: readonly (readonly [Flow, LogEntry<Flow>['role']])[]): LogEntry<Flow>[] => [
    ...of.map(([value, role], i) => logEntry(i, { value, appendMs: T0 + 1e7, ...(role ? { role } : {}) })),
    logEntry(of.length, { mark: markAt(T0 + 9e6), appendMs: T0 + 1e7 }),
  ];
  const local = localPlan(planned)
    .create(0, callbacks)
    .take(0, read(flows.map((flow) => [flow, undefined] as const)));
  const spread: Alert[] = [];
  for (let lane = 0; lane < LANES; lane++) {
    const group = partitionedPlan(planned).create(lane, callbacks);
    const isHere = (key: string): boolean => partitionOf(key, LANES) === lane;
    const initiators = flows.filter(({ source }) => isHere(source.entity!));
    const others = flows.flatMap((flow) => [
      ...(isHere(flow.destination.entity!) ? [[flow, undefined] as const] : []),
      ...(route(flow).includes(lane) ? [[flow, 'rule'] as const] : []),
    ]);
    spread.push(...group.take(0, read(initiators.map((flow) => [flow, undefined] as const))));
    spread.push(...group.take(1, read(others)));
  }
  assert.equal(new Set(local.map(({ rule }) => rule)).size, groupings.length);
  assert.deepEqual(canonical(spread), canonical(local));
});
