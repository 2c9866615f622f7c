import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PartialWriteError, WeirError } from '../../../pipeline/errors.ts';
import { create } from '../../../sinks/elasticsearch/index.ts';
import { options as schema } from '../../../sinks/elasticsearch/options.ts';
import { setup } from '../../../sinks/elasticsearch/setup.ts';
import { someFlows } from '../../contracts/sinkContract.ts';
import { silent, testContext } from '../../helpers/context.ts';
import { elasticsearch } from '../../services/elasticsearch.ts';

const never = new AbortController().signal;
const PASSWORD = 'correct-horse-9';

test('elasticsearch with security', async (t) => {
  const es = await elasticsearch(t, { password: PASSWORD });
  if (!es) return;
  const as = (username: string, password: string): object => ({
    nodes: es.url,
    auth: { username, password },
  });
  const install = setup(schema.parse(as('elastic', PASSWORD)));
  t.after(() => install.close());
  const plan = await install.plan(never);
  const requests = plan.requests.map((request) => ({ ...request, body: es.adapt(request.body) }));
  await install.apply(requests, never);

  const withCode = (code: string, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof WeirError, String(error));
    assert.equal(error.code, code);
    assert.equal(error.retryable, true);
    assert.match(error.message, message);
    return true;
  };

  await t.test('the least rights of a writer are enough', async () => {
    const warnings: string[] = [];
    const log = { ...silent, warn: (_fields: object, message: string) => void warnings.push(message) };
    const sink = create(schema.parse(as('writer', PASSWORD)), testContext({ log }));
    await sink.start!(never);
    assert.deepEqual(warnings, []);
    const items = someFlows(5);
    await sink.write(items, never);
    await sink.write(items, never);
    await sink.stop!(never);
    await es.request('POST', '/logs-weir.flow-default/_refresh');
    assert.equal(((await es.request('GET', '/logs-weir.flow-default/_count')) as { count: number }).count, 5);
  });

  await t.test('a wrong password is said to be one, and may be put right', async () => {
    const sink = create(schema.parse(as('writer', 'wrong')), testContext());
    await assert.rejects(
      sink.start!(never),
      withCode('sink_unauthorised', /credentials were not accepted.*401/),
    );
    await assert.rejects(sink.write(someFlows(1), never), withCode('sink_unauthorised', /401/));
    await sink.stop!(never);
  });

  await t.test('a missing right names what was refused', async () => {
    const sink = create(schema.parse({ ...as('writer', PASSWORD), layout: 'daily' }), testContext());
    await assert.rejects(sink.write(someFlows(2), never), (error: unknown) => {
      assert.ok(error instanceof PartialWriteError, String(error));
      assert.equal(error.refusals.length, 2);
      for (const refusal of error.refusals) {
        assert.equal(refusal.code, 'sink_unauthorised');
        assert.equal(refusal.retryable, true);
        assert.match(refusal.reason, /unauthorized for user \[writer\]/);
      }
      return true;
    });
    await sink.stop!(never);
  });

  await t.test('the set-up needs more rights than a writer has', async () => {
    const limited = setup(schema.parse(as('writer', PASSWORD)));
    await assert.rejects(
      limited.apply(requests.slice(0, 1), never),
      withCode('sink_unauthorised', /weir@mappings.*403/),
    );
    await limited.close();
  });
});
