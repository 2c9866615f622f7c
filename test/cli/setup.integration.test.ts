import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { weir } from '../e2e/processes.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { elasticsearch } from '../services/elasticsearch.ts';
import { opensearch } from '../services/opensearch.ts';

/** Two sinks of a type, one of them limited to a tenant. */
function configOf(t: TestContext, type: string, nodes: string): string {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'weir.yaml');
  const sinks = {
    all: { type, nodes, keep: { flow: '14d' } },
    own: { type, nodes, tenant: 'team-a' },
  };
  writeFileSync(path, JSON.stringify({ state: { dir: join(directory, 'state') }, sinks }));
  return path;
}

test('weir setup elasticsearch --dry-run prints the requests, roles and spaces, and makes none', async (t) => {
  const server = await elasticsearch(t);
  if (!server) return;
  const config = configOf(t, 'elasticsearch', server.url);
  const { code, out, err } = await weir(['setup', 'elasticsearch', '--config', config, '--dry-run']);
  assert.equal(code, 0, err);
  for (const line of [
    `all: elasticsearch ${server.version}`,
    'PUT /_component_template/weir@mappings',
    'PUT /_index_template/weir-flow_kept',
    'PUT /_security/role/weir_reader_tenant_team_a',
    'POST kbn:/api/spaces/space',
    'POST /weir-alerts/_search?ignore_unavailable=true&filter_path=hits.hits',
    'POST /weir-incidents-team_a/_search?ignore_unavailable=true&filter_path=hits.hits',
    'each alert that this finds, closed for 400d, is deleted (0 now)',
  ])
    assert.ok(out.includes(line), line);
  // Each request is a line for the console and a body of JSON.
  const bodies = out.split(/^(?:PUT|POST) \S+$/m).slice(1);
  assert.ok(bodies.length > 30);
  for (const body of bodies) JSON.parse(body.slice(0, body.lastIndexOf('\n}') + 2));
  const found = (await server.request('GET', '/_index_template/weir-*', undefined, [404])) as {
    index_templates?: unknown[];
  };
  assert.deepEqual(found.index_templates ?? [], []);
});

test('weir setup opensearch makes what weir check then finds', async (t) => {
  const server = await opensearch(t);
  if (!server) return;
  const config = configOf(t, 'opensearch', server.url);
  const before = await weir(['check', '--config', config]);
  assert.match(before.out, /run `weir setup opensearch`/);
  const made = await weir(['setup', 'opensearch', '--config', config]);
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /done {2}\/_index_template\/weir-flow_kept/);
  const after = await weir(['check', '--config', config]);
  assert.match(after.out, /^ok {4}sink all \(opensearch\): templates$/m, after.out);
  assert.match(after.out, /^ok {4}sink all \(opensearch\): the record of this check read back$/m, after.out);
  assert.match(after.out, /^ok {4}sink own \(opensearch\): templates$/m, after.out);
});
