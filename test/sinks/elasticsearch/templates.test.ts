import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { SetupPlan, SetupRequest } from '../../../sinks/bulk/setup.ts';
import { eventStreams } from '../../../sinks/ecs/streams.ts';
import type { Features } from '../../../sinks/elasticsearch/features.ts';
import { options as schema } from '../../../sinks/elasticsearch/options.ts';
import { planOf } from '../../../sinks/elasticsearch/setup.ts';
import { adaptTemplate } from '../../services/elasticsearch.ts';

/** The repository's root, from the sources as from the build. */
function root(): string {
  let dir = import.meta.dirname;
  while (!existsSync(join(dir, 'package.json'))) dir = dirname(dir);
  return dir;
}
const folder = join(root(), 'dashboards', 'elasticsearch');
const fileOf = ({ path }: SetupRequest): string =>
  `${path.replace(/^\/_/, '').replaceAll('/', '-').replace('@', '.')}.json`;

const all: Features = { ilm: true, logsdb: true, streamLifecycle: true, failureStore: true };
const nothing: Features = { ilm: false, logsdb: false, streamLifecycle: false, failureStore: false };
const plan = (features: Features, options: object = {}, tenants: readonly string[] = []): SetupPlan =>
  planOf(
    { number: '9.1.0', isServerless: false },
    features,
    schema.parse({ nodes: 'http://127.0.0.1', ...options }),
    tenants,
  );
const everything = plan(all).requests;
/** What the repository shows, with the roles of one tenant as an example. */
const shown = [...everything, ...plan(all, {}, ['payments']).roles];

test('elasticsearch templates: dashboards/elasticsearch holds what the set-up puts into a cluster of today', () => {
  const wanted = new Map(
    shown.map((request) => [fileOf(request), `${JSON.stringify(request.body, null, 2)}\n`]),
  );
  if (process.env['WEIR_UPDATE'] === '1') {
    rmSync(folder, { recursive: true, force: true });
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
const templateOf = (requests: readonly SetupRequest[], name: string): Record<string, unknown> =>
  (
    requests.find(({ path }) => path === `/_index_template/${name}`)!.body as {
      template: Record<string, unknown>;
    }
  ).template;
const phasesOf = (requests: readonly SetupRequest[], name: string): Record<string, { min_age?: string }> =>
  (
    requests.find(({ path }) => path === `/_ilm/policy/${name}`)!.body as {
      policy: { phases: Record<string, { min_age?: string }> };
    }
  ).policy.phases;

test('elasticsearch templates: use what the cluster has and nothing else', () => {
  assert.equal(settingsOf(everything)['mode'], 'logsdb');
  const flow = templateOf(everything, 'weir-flow');
  assert.deepEqual(flow['settings'], { index: { lifecycle: { name: 'weir-flow' } } });
  assert.ok(flow['data_stream_options']);
  assert.equal(flow['lifecycle'], undefined);

  const old = plan({ ...nothing, ilm: true }).requests;
  assert.equal(settingsOf(old)['mode'], undefined);
  assert.equal(templateOf(old, 'weir-flow')['data_stream_options'], undefined);

  const bare = plan(nothing);
  assert.ok(!bare.requests.some(({ path }) => path.startsWith('/_ilm')));
  assert.equal(templateOf(bare.requests, 'weir-flow')['lifecycle'], undefined);
  assert.ok(bare.notices.some((notice) => notice.includes('nothing is deleted')));
});

test('elasticsearch templates: flows are kept 30 days, evidence 400 with 90 of them hot or warm', () => {
  assert.equal(phasesOf(everything, 'weir-flow')['delete']!.min_age, '30d');
  assert.equal(phasesOf(everything, 'weir-flow')['cold'], undefined);
  for (const stream of eventStreams.filter((one) => one !== 'flow'))
    for (const name of [`weir-${stream}`, `weir-${stream}-daily`]) {
      const phases = phasesOf(everything, name);
      assert.equal(phases['delete']!.min_age, '400d', name);
      assert.equal(phases['cold']!.min_age, '90d', name);
    }
  assert.deepEqual(
    (phasesOf(everything, 'weir-flow-daily')['hot'] as { actions: object }).actions,
    { set_priority: { priority: 100 } },
    'a daily index is not rolled over',
  );
});

test('elasticsearch templates: how long things are kept can be set, for either kind of lifecycle', () => {
  const keep = { flow: '7d', alert: '2000d', coldAfter: '30d' };
  const ilm = plan(all, { keep }).requests;
  assert.equal(phasesOf(ilm, 'weir-flow')['delete']!.min_age, '7d');
  assert.equal(phasesOf(ilm, 'weir-alert')['delete']!.min_age, '2000d');
  assert.equal(phasesOf(ilm, 'weir-alert')['cold']!.min_age, '30d');

  for (const [features, lifecycle] of [
    [{ ...all, ilm: false }, 'auto'],
    [all, 'data_stream'],
  ] as const) {
    const { requests } = plan(features, { keep, lifecycle });
    assert.ok(!requests.some(({ path }) => path.startsWith('/_ilm')));
    assert.deepEqual(templateOf(requests, 'weir-flow')['lifecycle'], { data_retention: '7d' });
    assert.deepEqual(templateOf(requests, 'weir-alert')['lifecycle'], { data_retention: '2000d' });
    assert.equal(templateOf(requests, 'weir-flow')['settings'], undefined);
  }
  assert.match(plan(nothing, { lifecycle: 'ilm' }).notices.join('\n'), /has no index lifecycle management/);
});

test('elasticsearch templates: a role gives what its name says, a tenant nothing of another', () => {
  const { roles, spaces } = plan(all, {}, ['payments', 'team-a']);
  const named = (name: string): { indices: { names: string[]; privileges: string[] }[] } =>
    roles.find(({ path }) => path === `/_security/role/${name}`)!.body as never;
  assert.deepEqual(named('weir_reader_alert').indices[0]!.names, [
    'logs-weir.alert-*',
    'weir-alert-*',
    'weir-alerts*',
    'weir-incidents*',
  ]);
  const own = named('weir_reader_tenant_team_a').indices.flatMap(({ names }) => names);
  assert.deepEqual(
    own.filter((name) => !/[-.]team_a(-\*)?$/.test(name)),
    [],
  );
  for (const { path, body } of roles)
    for (const { privileges } of (body as { indices: { privileges: string[] }[] }).indices)
      assert.deepEqual(
        privileges.filter((one) => !['read', 'view_index_metadata'].includes(one)).length > 0,
        path.includes('writer'),
        path,
      );
  assert.deepEqual(
    spaces.map(({ body }) => body['id']),
    ['weir-payments', 'weir-team_a'],
  );
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
  for (const { path, body } of everything) if (path.includes('template')) adaptTemplate(body);
  assert.throws(() => adaptTemplate({ properties: { a: { type: 'version' } } }), /version/);
  assert.deepEqual(adaptTemplate({ properties: { type: { type: 'constant_keyword', value: 'logs' } } }), {
    properties: { type: { type: 'keyword' } },
  });
});
