import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { featuresOf, templateDefaults } from '../../../sinks/elasticsearch/setup.ts';
import { setupRequests, type SetupRequest } from '../../../sinks/elasticsearch/templates.ts';
import { adaptTemplate } from '../../services/elasticsearch.ts';

/** The repository's root, from the sources as from the build. */
function root(): string {
  let dir = import.meta.dirname;
  while (!existsSync(join(dir, 'package.json'))) dir = dirname(dir);
  return dir;
}
const folder = join(root(), 'dashboards', 'elasticsearch');
const fileOf = ({ path }: SetupRequest): string =>
  `${path.slice(2).replaceAll('/', '-').replace('@', '.')}.json`;

const everything = setupRequests(featuresOf('9.1.0', false, true), templateDefaults);

test('elasticsearch templates: dashboards/elasticsearch holds what the set-up puts into a cluster of today', () => {
  const wanted = new Map(
    everything.map((request) => [fileOf(request), `${JSON.stringify(request.body, null, 2)}\n`]),
  );
  if (process.env['WEIR_UPDATE'] === '1') {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of wanted) writeFileSync(join(folder, name), text);
  }
  const found = readdirSync(folder).filter((name) => name.endsWith('.json'));
  assert.deepEqual(found.sort(), [...wanted.keys()].sort());
  for (const [name, text] of wanted)
    assert.equal(readFileSync(join(folder, name), 'utf8'), text, `${name}: run this test with WEIR_UPDATE=1`);
});

const settingsOf = (requests: readonly SetupRequest[]): Record<string, unknown> =>
  (
    requests.find(({ path }) => path.endsWith('weir@settings'))!.body as {
      template: { settings: { index: Record<string, unknown> } };
    }
  ).template.settings.index;
const flowOf = (requests: readonly SetupRequest[]): Record<string, unknown> =>
  (requests.find(({ path }) => path.endsWith('/weir-flow'))!.body as { template: Record<string, unknown> })
    .template;

test('elasticsearch templates: use what the cluster has and nothing else', () => {
  assert.equal(settingsOf(everything)['mode'], 'logsdb');
  assert.deepEqual(settingsOf(everything)['lifecycle'], { name: 'weir-logs' });
  assert.ok(flowOf(everything)['data_stream_options']);
  assert.equal(flowOf(everything)['lifecycle'], undefined);

  const old = setupRequests(featuresOf('8.11.4', false, true), templateDefaults);
  assert.equal(settingsOf(old)['mode'], undefined);
  assert.equal(flowOf(old)['data_stream_options'], undefined);

  const serverless = setupRequests(featuresOf('8.11.0', true, false), { retentionDays: 30, replicas: null });
  assert.ok(!serverless.some(({ path }) => path.startsWith('/_ilm')));
  assert.deepEqual(flowOf(serverless)['lifecycle'], { data_retention: '30d' });

  const bare = featuresOf('8.10.0', false, false);
  assert.deepEqual(bare, { ilm: false, logsdb: false, streamLifecycle: false, failureStore: false });
  assert.equal(featuresOf('9.0.3', false, true).failureStore, false);
});

test('elasticsearch templates: stand above the built-in ones, and no two take the same index', () => {
  const templates = everything.filter(({ path }) => path.startsWith('/_index_template/'));
  const patterns = templates.flatMap(({ body }) => body['index_patterns'] as string[]);
  assert.equal(new Set(patterns).size, patterns.length);
  for (const { body } of templates) assert.ok((body['priority'] as number) > 100);
  const matches = (pattern: string, name: string): boolean =>
    new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(name);
  for (const name of [
    'weir-alerts',
    'weir-incidents',
    'weir-alert-default-2026.11.24',
    'logs-weir.policy_change-default',
  ])
    assert.equal(patterns.filter((pattern) => matches(pattern, name)).length, 1, name);
});

test('elasticsearch templates: the stand-ins of the test server are known by name, and no other type slips through', () => {
  for (const { body } of everything) adaptTemplate(body);
  assert.throws(() => adaptTemplate({ properties: { a: { type: 'version' } } }), /version/);
  assert.deepEqual(adaptTemplate({ properties: { type: { type: 'constant_keyword', value: 'logs' } } }), {
    properties: { type: { type: 'keyword' } },
  });
});
