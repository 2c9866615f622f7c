import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { authority } from '../../services/certificates.ts';
import { until, workDir } from '../../services/process.ts';
import { syslogNg } from '../../services/syslog-ng.ts';
import { parseCef } from '../formats/parse-cef.ts';
import { structuredData } from './parse-rfc5424.ts';
import { anAlert, delivery, nastyStrings } from './records.ts';
import { never, syslogSink } from './sink.ts';

test('syslog-ng, which drops what is framed wrongly', async (t) => {
  const dir = await workDir('certificates');
  const good = await authority(join(dir, 'good'));
  const server = await good.sign('server', { commonName: 'siem.test' });
  const client = await good.sign('client', { commonName: 'weir.test' });
  const far = await syslogNg(t, { tls: { ca: good.ca, server } });
  if (!far) return;
  const tls = { ca: `file:${good.ca}`, cert: `file:${client.cert}`, key: `file:${client.key}` };

  for (const [name, options] of [
    ['tcp, octet counting', { to: `tcp://127.0.0.1:${far.octetPort}` }],
    ['tcp, line feeds', { to: `tcp://127.0.0.1:${far.lfPort}`, framing: 'lf' }],
    ['tls with a client certificate', { to: `tls://localhost:${far.tlsPort}`, tls }],
    ['udp', { to: `udp://127.0.0.1:${far.udpPort}`, maxMessageBytes: 4096 }],
  ] as const) {
    await t.test(`${name}: each nasty string is one event with the right values`, async (t) => {
      for (const format of ['json', 'cef', 'ecs-json', 'ocsf'] as const) {
        const before = (await far.messages()).length;
        const sink = syslogSink(t, { ...options, format });
        await sink.start!(never);
        const items = nastyStrings.map((text, n) => delivery('alert', anAlert(`${format}${n}`, text)));
        await sink.write(items, never);
        await until('all messages', async () => (await far.messages()).length >= before + items.length);
        const messages = (await far.messages()).slice(before);
        assert.equal(messages.length, items.length);
        for (const [n, message] of messages.entries()) {
          assert.deepEqual(
            [message.HOST, message.PROGRAM, message.MSGID],
            ['prod-eu-1', 'weir', 'port_scan'],
          );
          const data: Record<string, Record<string, string>> = {};
          structuredData(message.SD, 0, data);
          assert.equal(data['weir@32473']!['id'], `${format}${n}`);
          if (format === 'json') {
            const alert = JSON.parse(message.MESSAGE) as { why: { summary: string } };
            assert.equal(alert.why.summary, nastyStrings[n]);
          } else if (format === 'ocsf') {
            assert.equal((JSON.parse(message.MESSAGE) as { message: string }).message, nastyStrings[n]);
          } else if (format === 'ecs-json') {
            const { event } = JSON.parse(message.MESSAGE) as { event: { reason: string } };
            assert.equal(event.reason, nastyStrings[n]);
          } else {
            const event = parseCef(message.MESSAGE);
            assert.equal(event.classId, 'port_scan');
            assert.equal(event.extension['externalId'], `cef${n}`);
          }
        }
      }
    });
  }
});
