import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMeter } from '../../telemetry/meter.ts';
import { files, read } from '../repo/tree.ts';

interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}
const dashboard = JSON.parse(read('dashboards/grafana/weir.json')) as {
  readonly panels: readonly { readonly id: number; readonly targets?: readonly Target[] }[];
  readonly templating: { readonly list: readonly { readonly definition?: string }[] };
};
const targets = dashboard.panels.flatMap((panel) => panel.targets ?? []);

/** Metrics that the code asks its meter for, with their labels. */
function metrics(): Map<string, { kind: string; labels: readonly string[] }> {
  const found = new Map<string, { kind: string; labels: readonly string[] }>();
  const asked =
    /\b(counter|gauge|histogram)\(\s*'([a-z_0-9]+)',\s*(?:'[^']*'|"[^"]*")\s*,?\s*(?:\[([^\]]*)\])?/g;
  for (const path of files((each) => each.endsWith('.ts') && !each.startsWith('test/')))
    for (const [, kind = '', name = '', labels = ''] of read(path).matchAll(asked))
      found.set(`weir_${name}`, {
        kind,
        labels: [...labels.matchAll(/'([^']+)'/g)].map(([, label]) => label!),
      });
  return found;
}

/** Those of the process, as the library names them. */
async function processMetrics(): Promise<Set<string>> {
  const text = await createMeter().text();
  return new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!));
}

test('grafana: every metric of the dashboard is one that /metrics gives, and every label one that it has', async () => {
  const own = metrics();
  const ofProcess = await processMetrics();
  assert.ok(own.size > 30, `${own.size} metrics were found`);
  assert.ok(targets.length > 20);
  for (const { expr, legendFormat } of targets) {
    const [name = ''] = /weir_[a-z0-9_]+/.exec(expr) ?? [];
    const metric = own.get(name) ?? own.get(name.replace(/_bucket$/, ''));
    if (!metric) {
      assert.ok(ofProcess.has(name), `${name} is no metric`);
      continue;
    }
    assert.equal(name.endsWith('_bucket'), metric.kind === 'histogram', name);
    assert.equal(
      /\b(rate|increase)\(/.test(expr),
      metric.kind !== 'gauge',
      `${expr}: ${name} is a ${metric.kind}`,
    );
    const given = new Set([
      ...metric.labels,
      'job',
      'instance',
      ...(metric.kind === 'histogram' ? ['le'] : []),
    ]);
    const used = [
      ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/,\s*/)),
      ...[...expr.matchAll(/([a-z]+)=~?"/g)].map(([, label]) => label!),
      ...[...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!),
    ];
    for (const label of used) assert.ok(given.has(label), `${name} has no label ${label}`);
  }
  for (const { definition } of dashboard.templating.list)
    if (definition !== undefined) assert.ok(own.has(/weir_[a-z0-9_]+/.exec(definition)![0]), definition);
});

test('grafana: panels have ids of their own', () => {
  const ids = dashboard.panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
});
