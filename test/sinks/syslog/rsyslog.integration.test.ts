import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { authority } from '../../services/certificates.ts';
import { until, workDir } from '../../services/process.ts';
import { rsyslog } from '../../services/rsyslog.ts';
import type { ParsedMessage, Rsyslog } from '../../services/rsyslog.ts';
import { parseCef } from '../formats/parse-cef.ts';
import { leefExpected, parseLeef } from '../formats/parse-leef.ts';
import { structuredData } from './parse-rfc5424.ts';
import { anAlert, delivery, nastyStrings } from './records.ts';
import { flowBatches, never, retried, syslogSink, writeAll } from './sink.ts';

const idOf = (message: ParsedMessage): string => params(message)['id'] ?? '';
const resent = (message: ParsedMessage): boolean => params(message)['resent'] === '1';

function params(message: ParsedMessage): Readonly<Record<string, string>> {
  // The old header has no structured data.
  if (message.sd === '-') return {};
  const data: Record<string, Record<string, string>> = {};
  structuredData(message.sd, 0, data);
  return data['weir@32473']!;
}

const arrived = (server: Rsyslog, count: number): Promise<void> =>
  until(`${count} messages in rsyslog`, async () => (await server.messages()).length >= count);

const nastyAlerts = (prefix: string) =>
  nastyStrings.map((text, n) => delivery('alert', anAlert(`${prefix}${n}`, text)));

const expectedCef = (text: string): string =>
  Buffer.from(
    text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) =>
      char === '\n' || char === '\r' ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  ).toString();

/** Each nasty string is one event, with the values it was sent with. */
async function checkNasty(t: TestContext, server: Rsyslog, to: string, rest: object = {}): Promise<void> {
  for (const format of ['json', 'cef', 'ecs-json', 'ocsf'] as const) {
    const before = (await server.messages()).length;
    const sink = syslogSink(t, { to, format, ...rest });
    await sink.start!(never);
    await sink.write(nastyAlerts(format), never);
    await arrived(server, before + nastyStrings.length);
    const messages = (await server.messages()).slice(before);
    assert.equal(messages.length, nastyStrings.length);
    for (const [n, message] of messages.entries()) {
      const text = nastyStrings[n]!;
      assert.deepEqual(
        [message.pri, message.host, message.app, message.procid, message.msgid],
        [String(20 * 8 + 3), 'prod-eu-1', 'weir', '-', 'port_scan'],
      );
      assert.deepEqual(params(message), { id: `${format}${n}`, rev: '2', kind: 'alert' });
      if (format === 'ecs-json') {
        const document = JSON.parse(message.msg) as { event: { reason: string } };
        assert.equal(document.event.reason, text);
      } else if (format === 'ocsf') {
        const event = JSON.parse(message.msg) as { message: string; class_uid: number };
        assert.deepEqual([event.class_uid, event.message], [2004, text]);
      } else if (format === 'json') {
        const alert = JSON.parse(message.msg) as { why: { summary: string }; tenant: string };
        assert.equal(alert.why.summary, text);
        assert.equal(alert.tenant, text);
      } else {
        const { extension } = parseCef(message.msg.trimStart());
        assert.equal(extension['reason'], expectedCef(text));
        assert.equal(extension['cs1'], `shop/${expectedCef(text)}`);
        assert.equal(extension['c6a3'], '2001:db8::5');
      }
    }
    await sink.stop!(never);
  }
}

test('rsyslog', async (t) => {
  const dir = await workDir('certificates');
  const good = await authority(dir);
  const server = await good.sign('server', { commonName: 'siem.test' });
  const client = await good.sign('client', { commonName: 'weir.test' });
  const expired = await good.sign('expired', { commonName: 'weir.expired', days: -1 });
  const stranger = await authority(join(dir, 'stranger'), 'Stranger');
  const far = await rsyslog(t, { tls: { ca: good.ca, server } });
  if (!far) return;
  const tls = `tls://localhost:${far.tlsPort}`;
  const mutual = `tls://localhost:${far.mutualTlsPort}`;
  const ca = `file:${good.ca}`;
  const identity = { ca, cert: `file:${client.cert}`, key: `file:${client.key}` };

  await t.test('tcp, octet counting: nasty strings', (t) =>
    checkNasty(t, far, `tcp://127.0.0.1:${far.tcpPort}`),
  );
  await t.test('tcp, line feeds: nasty strings', (t) =>
    checkNasty(t, far, `tcp://127.0.0.1:${far.tcpPort}`, { framing: 'lf' }),
  );
  await t.test('udp: nasty strings', (t) =>
    checkNasty(t, far, `udp://127.0.0.1:${far.udpPort}`, { maxMessageBytes: 4096 }),
  );
  await t.test('tls: nasty strings', (t) => checkNasty(t, far, tls, { tls: { ca } }));
  await t.test('tls with a client certificate: nasty strings', (t) =>
    checkNasty(t, far, mutual, { tls: identity }),
  );

  const relp = `relp://127.0.0.1:${far.relpPort}`;
  const relpTls = `relp+tls://localhost:${far.relpTlsPort}`;
  await t.test('relp: nasty strings', (t) => checkNasty(t, far, relp));
  await t.test('relp over tls with a client certificate: nasty strings', (t) =>
    checkNasty(t, far, relpTls, { tls: identity }),
  );

  await t.test('leef behind the old header: nasty strings', async (t) => {
    const before = (await far.messages()).length;
    const sink = syslogSink(t, { to: relp, format: 'leef' });
    await sink.write(nastyAlerts('leef'), never);
    await arrived(far, before + nastyStrings.length);
    const messages = (await far.messages()).slice(before);
    assert.equal(messages.length, nastyStrings.length);
    for (const [n, message] of messages.entries()) {
      assert.deepEqual([message.pri, message.host], [String(20 * 8 + 3), 'prod-eu-1']);
      // rsyslog takes what stands before the first colon for the tag.
      assert.equal(message.app, 'LEEF');
      const event = parseLeef(`LEEF:${message.msg.trimStart()}`);
      assert.equal(event.eventId, 'port_scan');
      assert.equal(event.attributes['externalId'], `leef${n}`);
      assert.equal(event.attributes['reason'], leefExpected(nastyStrings[n]!));
    }
  });

  await t.test('cef behind the old header is one event', async (t) => {
    const before = (await far.messages()).length;
    const sink = syslogSink(t, { to: `tcp://127.0.0.1:${far.tcpPort}`, format: 'cef', header: 'rfc3164' });
    await sink.write(nastyAlerts('old'), never);
    await arrived(far, before + nastyStrings.length);
    for (const [n, message] of (await far.messages()).slice(before).entries()) {
      const event = parseCef(`CEF:${message.msg.trimStart()}`);
      assert.deepEqual([event.extension['externalId'], message.host], [`old${n}`, 'prod-eu-1']);
    }
  });

  await t.test('every format says of a flow what it was', async (t) => {
    for (const format of ['json', 'cef', 'leef', 'ecs-json', 'ocsf'] as const) {
      const before: number = (await far.messages()).length;
      const sink = syslogSink(t, { to: relp, format });
      const [flows] = flowBatches(`flow-${format}`, 1, 3);
      await sink.write(flows!, never);
      await arrived(far, before + 3);
      assert.equal((await far.messages()).length, before + 3);
    }
  });

  await t.test('a megabyte in every text is one message, shortened, in every format', async (t) => {
    for (const format of ['json', 'cef', 'leef', 'ecs-json', 'ocsf'] as const)
      for (const text of ['x'.repeat(1_000_000), '|=\\^]"\n\u0000'.repeat(125_000)]) {
        const before = (await far.messages()).length;
        const sink = syslogSink(t, { to: `tcp://127.0.0.1:${far.tcpPort}`, format, framing: 'lf' });
        await sink.write(
          [delivery('alert', anAlert('big', text)), delivery('alert', anAlert('next'))],
          never,
        );
        await arrived(far, before + 2);
        const messages = (await far.messages()).slice(before);
        assert.equal(messages.length, 2);
        const [big] = messages;
        if (format === 'leef') {
          const { attributes } = parseLeef(`LEEF:${big!.msg.trimStart()}`);
          assert.deepEqual([attributes['externalId'], attributes['truncated']], ['big', '1']);
        } else {
          assert.deepEqual([idOf(big!), params(big!)['truncated']], ['big', '1']);
          if (format === 'cef') assert.equal(parseCef(big!.msg.trimStart()).extension['weirTruncated'], '1');
          else JSON.parse(big!.msg);
        }
      }
  });

  await t.test('relp: start says that a receiver without RELP is none', async (t) => {
    const sink = syslogSink(t, { to: `relp://127.0.0.1:${far.tcpPort}`, connectTimeoutMs: 300 });
    await assert.rejects(sink.start!(never), {
      code: 'sink_unavailable',
      message: /no answer to 'open' within 300 ms/,
    });
  });

  await t.test('fan-out: each receiver gets everything once', async (t) => {
    const before = (await far.messages()).length;
    const sink = syslogSink(t, {
      to: [{ address: relp }, { address: `tcp://127.0.0.1:${far.tcpPort}`, maxMessageBytes: '480B' }],
      fanOut: true,
    });
    const items = nastyAlerts('fan');
    await sink.write(items, never);
    await arrived(far, before + 2 * items.length);
    const messages = (await far.messages()).slice(before);
    assert.equal(messages.length, 2 * items.length);
    assert.equal(messages.filter((message) => params(message)['truncated'] === '1').length, items.length);
  });

  await t.test('udp: a long record is shortened and stays parseable', async (t) => {
    const before = (await far.messages()).length;
    const sink = syslogSink(t, { to: `udp://127.0.0.1:${far.udpPort}` });
    await sink.write([delivery('alert', anAlert('long', 'x'.repeat(100_000)))], never);
    await arrived(far, before + 1);
    const message = (await far.messages()).at(-1)!;
    assert.equal(params(message)['truncated'], '1');
    assert.equal((JSON.parse(message.msg) as { truncated: boolean }).truncated, true);
  });

  await t.test('tls: certificates that are not trusted are refused with their names', async (t) => {
    const wrongCa = syslogSink(t, { to: tls, tls: { ca: `file:${stranger.ca}` } });
    await assert.rejects(wrongCa.start!(never), {
      code: 'tls_invalid',
      message: new RegExp(`^${tls}: the certificate of 'CN=siem.test'.*valid to .*not trusted`),
    });
    const wrongName = syslogSink(t, { to: tls, tls: { ca, servername: 'other.test' } });
    await assert.rejects(wrongName.start!(never), { code: 'tls_invalid', message: /it is for another name/ });
    const noFile = syslogSink(t, { to: tls, tls: { ca: `file:${dir}/absent.crt` } });
    await assert.rejects(noFile.start!(never), { code: 'tls_invalid', message: /cannot read .*absent\.crt/ });
  });

  await t.test('tls: a missing, strange or expired client certificate is an error at start', async (t) => {
    const before = (await far.messages()).length;
    const without = syslogSink(t, { to: mutual, confirmMs: 500, tls: { ca } });
    await assert.rejects(without.start!(never), (error: { code?: string }) =>
      ['tls_invalid', 'sink_unavailable'].includes(error.code ?? ''),
    );
    const other = await stranger.sign('client', { commonName: 'weir.stranger' });
    const strange = syslogSink(t, {
      to: mutual,
      confirmMs: 500,
      tls: { ca, cert: `file:${other.cert}`, key: `file:${other.key}` },
    });
    await assert.rejects(strange.start!(never), (error: { code?: string }) =>
      ['tls_invalid', 'sink_unavailable'].includes(error.code ?? ''),
    );
    const old = syslogSink(t, {
      to: mutual,
      tls: { ca, cert: `file:${expired.cert}`, key: `file:${expired.key}` },
    });
    await assert.rejects(old.start!(never), {
      code: 'tls_invalid',
      message: /the client certificate of 'CN=weir\.expired' expired /,
    });
    const mismatch = syslogSink(t, {
      to: mutual,
      tls: { ca, cert: `file:${client.cert}`, key: `file:${server.key}` },
    });
    await assert.rejects(mismatch.start!(never), { code: 'tls_invalid', message: /cannot be used/ });
    assert.equal((await far.messages()).length, before);
  });

  await t.test('tls: a rotated certificate is used at the next connection', async (t) => {
    const cert = join(dir, 'rotated.crt');
    const key = join(dir, 'rotated.key');
    await copyFile(expired.cert, cert);
    await copyFile(expired.key, key);
    const sink = syslogSink(t, { to: mutual, tls: { ca, cert: `file:${cert}`, key: `file:${key}` } });
    await assert.rejects(sink.start!(never), { code: 'tls_invalid' });
    await copyFile(client.cert, cert);
    await copyFile(client.key, key);
    const before = (await far.messages()).length;
    await sink.write([delivery('alert', anAlert('rotated'))], never);
    await arrived(far, before + 1);
    assert.equal(idOf((await far.messages()).at(-1)!), 'rotated');
  });

  for (const [name, to] of [
    ['tcp', `tcp://127.0.0.1:${far.tcpPort}`],
    ['tls', mutual],
    ['relp', relp],
    ['relp over tls', relpTls],
  ] as const) {
    await t.test(
      `${name}: rsyslog killed mid-stream and started again loses nothing; resends are marked`,
      async (t) => {
        const failures: unknown[] = [];
        const sink = retried(
          syslogSink(t, { to, confirmMs: 1000, tls: identity, maxUnconfirmedBytes: '1MiB' }),
          (error) => failures.push(error),
        );
        const batches = flowBatches(`kill-${name}`, 60, 50, 'x'.repeat(200));
        // Those that are written while it is down: over RELP all others may be acknowledged by then.
        const later = flowBatches(`kill-later-${name}`, 10, 50, 'x'.repeat(200));
        const wanted = new Set([...batches, ...later].flat().map((item) => item.record.id));
        const count = async (): Promise<number> =>
          new Set((await far.messages()).map(idOf).filter((id) => wanted.has(id))).size;
        const all = writeAll(sink, batches, 8);
        await until('some to arrive', async () => (await count()) > 300, { everyMs: 5 });
        await far.kill();
        const rest = writeAll(sink, later, 8);
        await until('a failed write', () => failures.length > 0);
        await far.restart();
        await all;
        await rest;
        await until('all to arrive', async () => (await count()) === wanted.size, { timeoutMs: 10_000 });
        const met = new Set<string>();
        for (const message of await far.messages()) {
          const id = idOf(message);
          if (!wanted.has(id)) continue;
          if (met.has(id)) assert.ok(resent(message), `${id} came twice without a mark`);
          met.add(id);
        }
      },
    );
  }
});
