import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { weir } from '../e2e/processes.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { freePort } from '../services/process.ts';
import { receiver } from '../sinks/http/receiver.ts';

const SECRET = 'very-secret-value';

function configured(t: TestContext, url: string): string[] {
  const dir = temporaryDirectory(t);
  const path = join(dir, 'weir.yaml');
  writeFileSync(
    path,
    `state: { dir: ${join(dir, 'state')} }
sinks:
  hook:
    type: webhook
    url: ${url}/path-that-is-secret
    tenant: payments
    headers: { Authorization: 'Bearer ${SECRET}' }
    records: { incident: { where: 'notify : true' } }
  kept: { type: store }
`,
  );
  return ['--config', path];
}

test('weir sinks test sends one marked event and shows what came back, without secrets', async (t) => {
  const far = await receiver(t, ({ headers }) => ({
    status: 200,
    body: `thanks, ${headers['authorization']}`,
  }));
  const { code, out, err } = await weir(['sinks', 'test', 'hook', ...configured(t, far.url)]);
  assert.equal(code, 0, err + out);
  assert.match(out, /^hook \(webhook\): one incident, id \S+\n {2}answer received: .*status=200 text=thanks/);
  assert.match(out, /^Delivered in /m);
  assert.ok(!(out + err).includes(SECRET) && !(out + err).includes('path-that-is'), out + err);
  assert.equal(far.requests.length, 1);
  const sent = JSON.parse(far.requests[0]!.body.toString()) as {
    kind: string;
    record: { tenant: string; story: { summary: string }; alerts: { detector: string }[] };
  };
  assert.equal(sent.kind, 'incident');
  assert.match(sent.record.story.summary, /^TEST: /);
  assert.equal(sent.record.alerts[0]?.detector, 'test');
  assert.equal(sent.record.tenant, 'payments');
});

test('weir sinks test says what would become of a record that is not taken', async (t) => {
  const far = await receiver(t, () => ({ status: 400, body: 'no_text' }));
  const refused = await weir(['sinks', 'test', 'hook', ...configured(t, far.url)]);
  assert.equal(refused.code, 1, refused.out);
  assert.match(
    refused.out,
    /Not delivered: .* answered 400: no_text .*\. A record would go to the dead letter\./,
  );
  const gone = await weir([
    'sinks',
    'test',
    'hook',
    ...configured(t, `http://127.0.0.1:${await freePort()}`),
  ]);
  assert.equal(gone.code, 4, gone.out);
  assert.match(gone.out, /\[sink_unavailable\]\. A record would be tried again\./);
});

test('weir sinks list names each sink and what it is sent; a name that is none is wrong use', async (t) => {
  const config = configured(t, 'http://127.0.0.1:1');
  const { out } = await weir(['sinks', 'list', ...config]);
  assert.match(out, /^hook +webhook +payments +incident \(notify : true\)$/m);
  for (const args of [['test'], ['test', 'nothing'], ['test', 'kept'], ['forget', 'hook']])
    assert.equal((await weir(['sinks', ...args, ...config])).code, 2, args.join(' '));
  const shown = await weir(['config', 'show', ...config]);
  assert.ok(!shown.out.includes(SECRET) && !shown.out.includes('path-that-is'), shown.out);
});
