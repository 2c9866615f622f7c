import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import type { Sink } from '../../../pipeline/contracts.ts';
import { WeirError } from '../../../pipeline/errors.ts';
import { create as createElasticsearch } from '../../../sinks/elasticsearch/index.ts';
import { connect as connectElasticsearch } from '../../../sinks/elasticsearch/client.ts';
import { options as elasticsearchOptions } from '../../../sinks/elasticsearch/options.ts';
import { create as createOpenSearch } from '../../../sinks/opensearch/index.ts';
import { options as openSearchOptions } from '../../../sinks/opensearch/options.ts';
import { someFlows } from '../../contracts/sinkContract.ts';
import { testContext } from '../../helpers/context.ts';
import { fakeElasticsearch } from '../elasticsearch/fake-server.ts';

const never = new AbortController().signal;

/** A proxy that opens tunnels, and counts them by their target. */
async function tunnelProxy(t: TestContext): Promise<{ url: string; tunnels: string[] }> {
  const tunnels: string[] = [];
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', (request, socket) => {
    tunnels.push(request.url ?? '');
    const [host, port] = (request.url ?? '').split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket);
      socket.pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
    t.after(() => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, tunnels };
}

const products: Readonly<Record<string, (options: object) => Sink>> = {
  elasticsearch: (options) => createElasticsearch(elasticsearchOptions.parse(options), testContext()),
  opensearch: (options) => createOpenSearch(openSearchOptions.parse(options), testContext()),
};

for (const [name, make] of Object.entries(products)) {
  test(`${name}: goes through the proxy that is configured`, async (t) => {
    const fake = await fakeElasticsearch(t, {});
    const proxy = await tunnelProxy(t);
    const sink = make({ nodes: fake.url, proxy: proxy.url });
    t.after(() => sink.stop?.(never));
    await sink.start!(never);
    await sink.write(someFlows(3), never);
    assert.equal(fake.requests.flat().length, 3);
    assert.ok(proxy.tunnels.length > 0);
    assert.deepEqual([...new Set(proxy.tunnels)], [new URL(fake.url).host]);
  });

  test(`${name}: a proxy that is not there is an outage, not a fault of the records`, async (t) => {
    const sink = make({ nodes: 'http://127.0.0.1:9', proxy: 'http://127.0.0.1:9' });
    t.after(() => sink.stop?.(never));
    await assert.rejects(
      sink.write(someFlows(1), never),
      (error: unknown) => error instanceof WeirError && error.code === 'sink_unavailable',
    );
  });
}

test('elasticsearch: a cloud id names the address of the deployment', async (t) => {
  // Of the form `name:base64(domain$elasticsearch$kibana)`; the port is after the domain.
  const cloudId = `prod:${Buffer.from('localhost:9$abc$def').toString('base64')}`;
  const far = await connectElasticsearch(elasticsearchOptions.parse({ cloudId }));
  t.after(() => far.close());
  await assert.rejects(far.request({ method: 'GET', path: '/' }, never), /abc\.localhost|ECONNREFUSED/);
  const sink = createElasticsearch(elasticsearchOptions.parse({ cloudId: 'no cloud id' }), testContext());
  await assert.rejects(
    sink.start!(never),
    (error: unknown) => error instanceof WeirError && error.code === 'sink_misconfigured',
  );
});

test('elasticsearch: the error of a failed request holds no credentials, and no copy of the body', async (t) => {
  const far = await connectElasticsearch(
    elasticsearchOptions.parse({ nodes: 'http://127.0.0.1:9', auth: { apiKey: 'c2VjcmV0' } }),
  );
  t.after(() => far.close());
  const body = Buffer.from('{"create":{}}\n{}\n');
  await assert.rejects(
    far.request({ method: 'POST', path: '/_bulk', bulkBody: body }, never),
    (error: unknown) => {
      assert.ok(!inspect(error, { depth: 20 }).includes('c2VjcmV0'));
      assert.doesNotMatch(inspect(error, { depth: 20 }), /authorization/i);
      const { cause } = error as { cause: { meta: { meta: { request: { params: { body: unknown } } } } } };
      assert.equal(cause.meta.meta.request.params.body, body);
      return true;
    },
  );
});

test('elasticsearch: nor does the error of a reply that says no, or of somebody else', async (t) => {
  for (const whole of [
    { status: 503, body: { error: { reason: 'no' } } },
    { status: 200, text: '<html>', isProxy: true },
  ] as const) {
    const fake = await fakeElasticsearch(t, { whole: () => whole });
    const far = await connectElasticsearch(
      elasticsearchOptions.parse({ nodes: fake.url, auth: { apiKey: 'c2VjcmV0' } }),
    );
    t.after(() => far.close());
    const body = Buffer.from('{"create":{"_index":"a","_id":"b"}}\n{}\n');
    await assert.rejects(
      far.request(
        { method: 'POST', path: '/_bulk', querystring: { pretty: 'false' }, bulkBody: body },
        never,
      ),
      (error: unknown) => {
        assert.doesNotMatch(inspect(error, { depth: 20 }), /c2VjcmV0|authorization/i);
        return true;
      },
    );
  }
});
