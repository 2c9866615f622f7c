import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { createKafkaLog } from '../../../transport/kafka/index.ts';
import type { Options } from '../../../transport/kafka/options.ts';
import { setupTopics } from '../../../transport/kafka/setup.ts';
import { aFlow } from '../../helpers/flows.ts';
import { kafka } from '../../services/kafka.ts';
import { expiredCertificate } from '../../services/kafka-certificates.ts';
import { workDir } from '../../services/process.ts';
import { collect, context, optionsFor } from './support.ts';

test('SASL and TLS against a real broker', { timeout: 110_000 }, async (t) => {
  const service = await kafka(t, { sasl: { weir: 'right' }, tls: true });
  if (!service) return;
  const ca = service.certificates!.ca;
  const sasl = { mechanism: 'scram-sha-512', username: 'weir', password: 'right' };
  const secure = { tls: { ca }, sasl };
  const ready = optionsFor(service.brokers, secure);
  await setupTopics(ready, context().log, { dryRun: false });
  const start = async (options: Options): Promise<void> => {
    const log = createKafkaLog(options, context());
    t.after(() => log.stop());
    await log.start(new AbortController().signal);
  };

  for (const mechanism of ['scram-sha-512', 'scram-sha-256']) {
    await t.test(`${mechanism} over TLS`, async (t) => {
      const options = {
        ...optionsFor(service.brokers, { ...secure, sasl: { ...sasl, mechanism } }),
        prefix: ready.prefix,
      };
      const log = createKafkaLog(options, context());
      t.after(() => log.stop());
      await log.start(new AbortController().signal);
      await log.append('alerts', []);
      await log.append('enriched', [{ partition: 0, key: null, value: aFlow({ position: 5 }) }]);
      const read = await collect(log, { group: mechanism, topics: ['enriched'] }, (all) => all.length > 0);
      assert.equal(read[0]!.value!.position, 5);
    });
  }

  await t.test('a wrong password', async () => {
    await assert.rejects(
      start(optionsFor(service.brokers, { ...secure, sasl: { ...sasl, password: 'wrong' } })),
      {
        code: 'log_misconfigured',
        message: /^kafka at 127\.0\.0\.1:\d+: the broker refused: .*authentication.*; check kafka\.sasl/i,
      },
    );
  });

  await t.test('a certificate of an authority that is not trusted', async () => {
    for (const tls of [true, { ca: service.certificates!.strangerCa }]) {
      await assert.rejects(start(optionsFor(service.brokers, { ...secure, tls })), {
        code: 'tls_invalid',
        message: /^kafka at 127\.0\.0\.1:\d+: .*certificate.*; check kafka\.tls/i,
      });
    }
  });

  await t.test('a certificate that has expired', async (t) => {
    const { key, cert } = await expiredCertificate(await workDir('expired'));
    const server = createServer({ key, cert }, (socket) => socket.destroy());
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => new Promise((resolve) => server.close(resolve)));
    const brokers = [`127.0.0.1:${(server.address() as AddressInfo).port}`];
    await assert.rejects(start(optionsFor(brokers, { tls: { ca: cert, servername: 'localhost' } })), {
      code: 'tls_invalid',
      message: /certificate has expired/,
    });
  });

  await t.test('no TLS towards a port that wants it, and nobody at the port', async () => {
    await assert.rejects(start(optionsFor(service.brokers, { sasl })), { code: 'log_unavailable' });
    await assert.rejects(start(optionsFor(['127.0.0.1:1'], {})), {
      code: 'log_unavailable',
      message: /^kafka at 127\.0\.0\.1:1: .*ECONNREFUSED/,
    });
  });
});
