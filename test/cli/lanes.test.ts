import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configFrom } from '../../cli/config/index.ts';
import { lanesInThread } from '../../cli/wire/lanes/thread.ts';
import { inThisThread, type PlanSource } from '../../cli/wire/planned.ts';
import { parseRuleText } from '../../cli/config/rules.ts';
import { compileRule, type Rule } from '../../detectors/rule/rule.ts';
import { createSchedule } from '../../detectors/rule/schedule.ts';
import { localPlan, type GroupCallbacks, type LanePlan } from '../../pipeline/lane-plan.ts';
import type { LaneGroupHandle } from '../../pipeline/lane-group.ts';
import type { LogEntry } from '../../pipeline/log.ts';
import { codecOf } from '../../schema/codec.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { encodeFrame } from '../../transport/local/frame.ts';
import { clusterFlows } from '../detectors/cluster.ts';
import { markAt } from '../pipeline/fake-log.ts';
import { aFlow, T0 } from '../helpers/flows.ts';

const ruleOf = (severity: string): Rule[] =>
  parseRuleText(
    `
- name: seen
  where: 'verdict : deny'
  groupBy: [source.namespace]
  when: { count: '>= 3', within: 10m }
  severity: ${severity}
  message: '{source.namespace} was denied'
`,
    'rules.yaml',
  ).rules.map(({ definition }) => compileRule(definition));

/** Every detector there is, and a rule of which the severity is changed. */
function everything(): { source: PlanSource; changeRule: (fromMs: number) => void } {
  const schedule = createSchedule(ruleOf('low'));
  const { detectors } = configFrom('{}', { env: {} });
  return {
    source: { detectors, lanes: 4, maxWaiting: 100_000, schedule, evicted() {} },
    changeRule: (fromMs) => void schedule.add(fromMs, ruleOf('high')),
  };
}

const FRAME = 400;

/** As a local log holds them: frames, each with a mark at its end. */
function framesOf(flows: readonly Flow[]): LogEntry<Flow>[][] {
  const frames: LogEntry<Flow>[][] = [];
  let firstOffset = 0;
  for (let at = 0; at < flows.length; at += FRAME) {
    const part = flows.slice(at, at + FRAME);
    const isLast = at + FRAME >= flows.length;
    const clockMs = isLast ? Number.MAX_SAFE_INTEGER / 2 : Math.max(...part.map(({ startMs }) => startMs));
    const entries = [
      ...part.map((value) => ({ partition: 0, key: null, value })),
      { partition: 0, key: null, value: null, mark: markAt(clockMs) },
    ];
    frames.push(encodeFrame(codecOf('flow'), entries, { firstOffset, appendMs: 4e12 }).entries);
    firstOffset += entries.length;
  }
  return frames;
}

interface Told {
  readonly alerts: Alert[];
  readonly late: (readonly [string, number | null])[];
}

/** Batches of parts of frames and of several; a changed rule and a restart half way. */
async function run(
  plan: LanePlan,
  changeRule: (fromMs: number) => void,
  frames: readonly LogEntry<Flow>[][],
): Promise<Told & { status: Awaited<ReturnType<LaneGroupHandle['status']>> }> {
  const told: Told = { alerts: [], late: [] };
  const callbacks: GroupCallbacks = {
    failed(error) {
      throw error;
    },
    late: (role, endMs) => void told.late.push([role, endMs]),
    overflowed() {},
  };
  let group = plan.create(0, callbacks);
  const take = async (entries: readonly LogEntry<Flow>[]): Promise<void> => {
    told.alerts.push(...(await group.take(0, entries)));
  };
  const half = Math.floor(frames.length / 2);
  for (const [i, frame] of frames.entries()) {
    if (i === half) {
      changeRule(frame[0]!.value!.endMs);
      const cut = await group.cut();
      const { resume } = cut;
      const chunks: Uint8Array[] = [];
      // The fold goes on between the slices.
      let slices = 0;
      for (let slice = await cut.next(); slice !== null; slice = await cut.next()) {
        chunks.push(...slice);
        if (slices++ === 0) await take(frame);
      }
      group = plan.create(0, callbacks);
      assert.deepEqual(await group.restore(chunks), []);
      assert.deepEqual(group.resume, resume);
      await take(
        frames
          .slice(0, half)
          .flat()
          .filter(({ offset }) => offset >= resume[0]!),
      );
    }
    if (i % 3 === 0) await take(frame);
    else {
      await take(frame.slice(0, 150));
      await take(frame.slice(150));
    }
  }
  const status = await group.status();
  await plan.end?.();
  // How much of a snapshot is in its first slice differs, and with it what is raised again after a restart.
  const known = new Set<string>();
  const alerts = told.alerts.filter(({ id, revision }) => {
    const key = `${id} ${revision}`;
    return !known.has(key) && known.add(key);
  });
  return { alerts, late: told.late, status };
}

test('lanes in a thread of their own raise the same alerts, whatever is changed, kept and restored meanwhile', async () => {
  const flows = clusterFlows({ days: 0.5, namespaces: 30, misconfigurations: 8 })
    .sort((a, b) => a.startMs - b.startMs)
    .map((flow, position) => ({ ...flow, origin: 'file', position }));
  const frames = framesOf(flows);
  const here = everything();
  const expected = await run(await inThisThread(localPlan)(here.source), here.changeRule, frames);
  const there = everything();
  const found = await run(lanesInThread(there.source), there.changeRule, frames);
  assert.ok(expected.alerts.length > 20, `only ${expected.alerts.length} alerts`);
  const severities = new Set(
    expected.alerts.filter(({ rule }) => rule === 'seen').map(({ severity }) => severity),
  );
  assert.deepEqual([...severities].sort(), ['high', 'low']);
  assert.deepEqual(found, expected);
});

test('a thread that cannot go on fails what is asked of it, with what was wrong', async () => {
  const { source } = everything();
  const plan = lanesInThread(source);
  const group = plan.create(0, { failed() {}, late() {}, overflowed() {} });
  await assert.rejects(async () => group.restore([]), {
    code: 'state_unusable',
  });
  assert.equal((await group.take(0, framesOf([aFlow({ startMs: T0 })])[0]!)).length, 0);
  await plan.end?.();
  await assert.rejects(async () => group.status(), {
    code: 'state_unusable',
    message: /the detectors' thread ended/,
  });
});
