import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as assertProperty, integer, property } from 'fast-check';
import { codecOf } from '../../schema/codec.ts';
import type { DetectorFactory } from '../../pipeline/contracts.ts';
import type { RuleLanes } from '../../pipeline/lane-plan.ts';
import {
  canonical,
  inOrder,
  opened,
  runDetector,
  type Item,
  type RunOptions,
  type RunResult,
} from '../detectors/harness.ts';

/** What a detector brings to be held to the contract. */
export interface DetectorSubject {
  readonly name: string;
  readonly factory: DetectorFactory;
  /** Traffic that raises alerts, opens, revises and closes some. */
  readonly alerting: readonly Item[];
  /** Traffic that must raise none. */
  readonly benign: readonly Item[];
  /** `count` flows with as many distinct keys as there can be. */
  readonly flood: (count: number) => readonly Item[];
  /** Lanes of further copies of a flow, for a detector that has its own. */
  readonly ruleLanes?: (lanes: number) => RuleLanes;
  /** What its alerts name as their content, where that is not what the detector was given. */
  readonly contentVersions?: readonly string[];
  /** Rules whose evidence is that nothing came. */
  readonly ofNothing?: readonly string[];
}

const CHUNK_BYTES = 1_000_000;
/** Bytes of state for one key that was met once. */
const MAX_KEY_BYTES = 150;

/** What every detector promises (pipeline/contracts.ts), as tests. */
export function detectorContract(subject: DetectorSubject): void {
  const { name, factory, alerting, benign, flood, contentVersions = ['test'], ofNothing = [] } = subject;
  const run = (flows: readonly Item[], options: RunOptions = {}): RunResult =>
    runDetector(factory, flows, subject.ruleLanes ? { ...options, ruleLanes: subject.ruleLanes } : options);
  const whole = canonical(run(alerting).alerts);

  test(`${name}: raises, revises and closes alerts on the traffic that it is for`, () => {
    assert.ok(whole.some((alert) => alert.action === 'opened'));
    assert.ok(whole.some((alert) => alert.action === 'closed'));
  });

  test(`${name}: every alert fits the schema and is complete`, () => {
    const codec = codecOf('alert');
    for (const alert of whole) {
      assert.deepEqual(codec.decode(codec.encode(alert)).id, alert.id);
      assert.equal(alert.detector, name);
      assert.ok(contentVersions.includes(alert.contentVersion));
      assert.ok(alert.why.summary.length > 20 && alert.why.factors.length > 0);
      assert.ok(alert.score >= 0 && alert.score <= 1);
      assert.ok(alert.firstMs <= alert.lastMs && alert.lastMs <= alert.raisedMs);
      assert.ok(alert.count >= 1);
      const evidence = alert.evidence.flows.length + alert.evidence.records.length;
      assert.ok(evidence >= 1 || ofNothing.includes(alert.rule));
      assert.ok(alert.evidence.flows.length <= 5 && alert.evidence.records.length <= 20);
      assert.ok(alert.evidence.flowIds.length <= 20);
      assert.match(alert.links.search ?? '', /^weir search '.+' --from \S+ --to \S+$/);
    }
  });

  test(`${name}: revisions of an alert count up from its opening to at most one close`, () => {
    const byId = groupById(whole);
    for (const revisions of byId.values()) {
      assert.deepEqual(
        revisions.map((alert) => alert.revision),
        revisions.map((_, i) => i),
      );
      assert.equal(revisions[0]!.action, 'opened');
      assert.ok(revisions.slice(0, -1).every((alert) => alert.action !== 'closed'));
      assert.equal(revisions.at(-1)!.action, 'closed');
    }
  });

  test(`${name}: the same alerts however often time is advanced`, () => {
    for (const advanceEvery of [1, 7, 100]) {
      assert.deepEqual(canonical(run(alerting, { advanceEvery }).alerts), whole);
    }
  });

  test(`${name}: the same alerts whatever order the flows came in, since the runtime sorts them`, () => {
    const reversed = inOrder(alerting).toReversed();
    assert.deepEqual(canonical(run(reversed).alerts), whole);
  });

  test(`${name}: the same alerts when it is cut anywhere and goes on from its snapshot`, () => {
    assertProperty(
      property(integer({ min: 1, max: alerting.length }), integer({ min: 0, max: 50 }), (cut, advance) => {
        const result = run(alerting, { restartEvery: cut, advanceEvery: advance });
        assert.deepEqual(canonical(result.alerts), whole);
      }),
      { numRuns: 15, examples: [[1, 1]] },
    );
  });

  test(`${name}: the same alerts at the cap when it is cut, and never more keys than the cap`, () => {
    const flows = [...flood(3_000), ...alerting];
    const options = { lanes: 2, maxKeys: 200 };
    const straight = run(flows, options);
    const cut = run(flows, { ...options, restartEvery: 501, advanceEvery: 13 });
    assert.deepEqual(canonical(cut.alerts), canonical(straight.alerts));
    assert.ok(straight.evicted > 0);
    assert.equal(cut.evicted, straight.evicted);
    // A detector may hold several tables, each within the cap, in each of the lanes.
    assert.ok(straight.keys <= 2 * 5 * 200, `${straight.keys} keys`);
  });

  test(`${name}: snapshots come in chunks of at most 1 MB, and a key takes at most 150 bytes`, () => {
    const flows = flood(40_000);
    const result = run(flows, { lanes: 1, maxKeys: 1_000_000, restartEvery: flows.length });
    assert.ok(result.chunkBytes > 0 && result.chunkBytes <= CHUNK_BYTES, `${result.chunkBytes} bytes`);
    // State lies in memory as in the snapshot, at half load at worst: a million keys stay far below 500 MB.
    assert.ok(result.snapshotBytes <= flows.length * MAX_KEY_BYTES, `${result.snapshotBytes} bytes`);
  });

  test(`${name}: a snapshot of something else is refused`, () => {
    const header = Buffer.from(JSON.stringify({ detector: name, version: 999, name: 'x' }));
    const chunk = Buffer.concat([Buffer.alloc(4), header]);
    chunk.writeUInt32LE(header.length, 0);
    const detector = factory({ lane: 0, lanes: 1, maxKeys: 10, contentVersion: '', evicted: () => {} });
    assert.throws(() => detector.restore([chunk]), { code: 'state_unusable' });
  });

  test(`${name}: is silent on benign traffic`, () => {
    assert.deepEqual(opened(run(benign).alerts), []);
  });
}

function groupById<T extends { readonly id: string }>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.id);
    if (group) group.push(item);
    else groups.set(item.id, [item]);
  }
  return groups;
}
