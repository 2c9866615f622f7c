import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { eventStreams } from '../../../sinks/ecs/streams.ts';
import { create } from '../../../sinks/elasticsearch/index.ts';
import { policies } from '../../../sinks/elasticsearch/lifecycle.ts';
import { options as schema } from '../../../sinks/elasticsearch/options.ts';
import { setup } from '../../../sinks/elasticsearch/setup.ts';
import { testContext } from '../../helpers/context.ts';
import { elasticsearch, lifecycleSteps } from '../../services/elasticsearch.ts';
import { newNamespace } from '../bulk/far-side.ts';
import { livesAndDies, shortLived } from '../bulk/lifecycle-suite.ts';

const never = new AbortController().signal;

/** The policies of the set-up with these ages, by names of their own. */
const named = (prefix: string, keep: object): Record<string, object> =>
  Object.fromEntries(
    policies(schema.parse({ keep }).keep).map(({ path, body }) => [
      `${prefix}-${path.slice('/_ilm/policy/'.length)}`,
      body,
    ]),
  );

const age = fc
  .tuple(fc.integer({ min: 1, max: 2000 }), fc.constantFrom('s', 'm', 'h', 'd'))
  .map(([count, unit]) => `${count}${unit}`);
const ages = fc.record({ flow: age, flowKept: age, alert: age, warmAfter: age, coldAfter: age });

test('elasticsearch: the server takes the policies whatever the ages are, and makes of them what was meant', async (t) => {
  const any = fc.sample(ages, { numRuns: 40, seed: 1 });
  const steps = await lifecycleSteps(t, {
    ...named('default', {}),
    ...named('short', shortLived),
    ...named('odd', { flow: '36h', alert: '1500ms', warmAfter: '90m', coldAfter: '1h' }),
    ...Object.assign({}, ...any.map((keep, n) => named(`any${n}`, keep))),
  });
  if (!steps) return;
  assert.equal(steps.size, (3 + any.length) * 2 * eventStreams.length);
  for (const [name, each] of steps) {
    const isRolled = each.includes('hot/rollover/attempt-rollover');
    assert.equal(isRolled, !name.endsWith('-daily'), `${name}: daily indices are not rolled over`);
    assert.ok(each.includes('delete/delete/delete'), name);
  }
  const phases = (name: string): string[] => [
    ...new Set(
      steps
        .get(name)!
        .map((step) => step.split('/')[0]!)
        .filter((phase) => phase !== 'new'),
    ),
  ];
  assert.deepEqual(phases('default-weir-flow'), ['hot', 'warm', 'delete']);
  assert.deepEqual(phases('default-weir-alert'), ['hot', 'warm', 'cold', 'delete']);
  assert.deepEqual(phases('short-weir-flow'), ['hot', 'warm', 'cold', 'delete']);
  assert.ok(steps.get('default-weir-flow')!.includes('warm/forcemerge/forcemerge'));
});

test('elasticsearch: what the server would refuse is refused by this check of it', async (t) => {
  const wrong = { phases: { hot: { actions: { rollover: { max_agee: '1d' } } } } };
  await assert.rejects(async () => {
    if ((await lifecycleSteps(t, { wrong: { policy: wrong } })) === null)
      throw new Error('max_agee: skipped');
  }, /max_agee/);
});

test('elasticsearch: lifecycle management rolls a stream over and deletes what is old', async (t) => {
  const server = await elasticsearch(t, { onlyFullFor: 'index lifecycle management at work' });
  if (!server) return;
  const poll = (value: string | null): Promise<unknown> =>
    server.request('PUT', '/_cluster/settings', { persistent: { 'indices.lifecycle.poll_interval': value } });
  await poll('1s');
  t.after(async () => {
    await poll(null);
  });
  const namespace = newNamespace();
  const at = { nodes: server.url, namespace, lifecycle: 'ilm' };
  const short = setup(schema.parse({ ...at, keep: shortLived }));
  assert.ok((await short.plan(never)).requests.some(({ path }) => path === '/_ilm/policy/weir-flow'));
  await livesAndDies(t, {
    request: server.request,
    short,
    usual: setup(schema.parse(at)),
    sink: create(schema.parse(at), testContext()),
    stream: `logs-weir.flow-${namespace}`,
    timeoutMs: 180_000,
  });
});
