import { z } from 'zod';
import { byteSize, duration } from '../../pipeline/units.ts';
import { sinkKinds } from '../base-options.ts';
import { formatOptions } from '../formats/format-options.ts';
import { receiverTls } from '../tls-options.ts';

/** Facility names of RFC 5424 section 6.2.1 in the order of their codes. */
export const facilities = [
  'kern',
  'user',
  'mail',
  'daemon',
  'auth',
  'syslog',
  'lpr',
  'news',
  'uucp',
  'cron',
  'authpriv',
  'ftp',
  'ntp',
  'audit',
  'alert',
  'clock',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const;

const severity = (code: number, what: string) =>
  z
    .number()
    .int()
    .min(0)
    .max(7)
    .default(code)
    .describe(`Syslog severity (0 emergency to 7 debug) of ${what}.`);

const tls = z
  .strictObject({
    ...receiverTls,
    passphrase: z.string().optional().describe('Passphrase of the private key.').meta({ secret: true }),
    minVersion: z
      .enum(['TLSv1.2', 'TLSv1.3'])
      .default('TLSv1.2')
      .describe('Oldest protocol version accepted.'),
  })
  .describe('TLS settings of `tls://` targets. Files are read again at every connection.');

const severities = z
  .strictObject({
    flow: severity(6, 'flows'),
    deny: severity(5, 'denied flows'),
    info: severity(6, 'alerts and incidents of severity info'),
    low: severity(5, 'alerts and incidents of severity low'),
    medium: severity(4, 'alerts and incidents of severity medium'),
    high: severity(3, 'alerts and incidents of severity high'),
    critical: severity(2, 'alerts and incidents of severity critical'),
    loss: severity(4, 'losses'),
    change: severity(5, 'policy changes'),
    other: severity(6, 'every other record'),
  })
  .describe('Syslog severity by kind of record and, for alerts and incidents, by their own severity.');

const framing = z.enum(['octet', 'lf']);

const receiver = z.strictObject({
  address: z.string().describe('The receiver, as `to` names it.'),
  maxMessageBytes: byteSize().optional().describe('Longest message this receiver takes.'),
  framing: framing.optional().describe('Framing of this receiver.'),
});

export const options = z.strictObject({
  to: z
    .union([z.string(), z.array(z.union([z.string(), receiver])).min(1)])
    .transform((to) =>
      (typeof to === 'string' ? [to] : to).map((one) => (typeof one === 'string' ? { address: one } : one)),
    )
    .describe(
      'Receivers as `tls://HOST:PORT`, `tcp://HOST:PORT`, `udp://HOST:PORT`, `relp://HOST:PORT` or `relp+tls://HOST:PORT`, or as `{ address, maxMessageBytes, framing }`; tried in this order until one answers.',
    ),
  fanOut: z
    .boolean()
    .default(false)
    .describe(
      'Send every message to all receivers, not to the first that answers. One that is down holds the others up after `maxInFlight` writes; receivers that shall not wait for each other are sinks of their own.',
    ),
  ...formatOptions,
  header: z
    .enum(['rfc5424', 'rfc3164'])
    .optional()
    .describe(
      'Header of each message. RFC 3164 has no year, no structured data and no zone (times are UTC). Default `rfc5424`; `rfc3164` for `leef`, which QRadar expects behind it.',
    ),
  framing: framing
    .default('octet')
    .describe(
      'Framing on `tcp://` (RFC 6587): octet counting, or a line feed after each message. TLS always counts octets.',
    ),
  facility: z.enum(facilities).default('local4').describe('Syslog facility of every message.'),
  facilities: z
    .partialRecord(z.enum(sinkKinds), z.enum(facilities))
    .default({})
    .describe('Facility by kind of record, where it is another.'),
  severities: severities.prefault({}),
  appName: z
    .string()
    .regex(/^[\x21-\x7e]{1,48}$/)
    .default('weir')
    .describe('APP-NAME of every message: 1 to 48 printable ASCII characters.'),
  enterpriseNumber: z
    .number()
    .int()
    .min(0)
    .default(32473)
    .describe('IANA private enterprise number in the name of the structured data, `weir@NUMBER`.'),
  bom: z
    .boolean()
    .default(false)
    .describe(
      'Put the UTF-8 byte order mark before the payload. Many receivers then fail to recognise CEF or JSON.',
    ),
  maxMessageBytes: byteSize()
    .optional()
    .describe(
      'Longest message with its header. What is longer is shortened, stays parseable and carries `truncated="1"`. Default 8096 bytes over TCP and TLS (the limit of an unconfigured rsyslog), 1452 over UDP (an Ethernet frame with IPv6).',
    ),
  confirmMs: duration()
    .prefault('5s')
    .describe(
      'How long a connection must stay good after a message was handed over before the message counts as delivered.',
    ),
  maxUnconfirmedBytes: byteSize()
    .prefault('64MiB')
    .describe(
      'Most bytes sent and not yet confirmed; at the limit writing waits. Throughput is at most this much per `confirmMs`.',
    ),
  connectTimeoutMs: duration()
    .prefault('10s')
    .describe('How long connecting, with the TLS handshake, may take.'),
  writeTimeoutMs: duration()
    .prefault('30s')
    .describe(
      'How long the receiver may take no byte before the connection is given up and everything unconfirmed is sent again.',
    ),
  keepAliveMs: duration().prefault('30s').describe('Idle time after which TCP keepalive probes begin.'),
  batchRecords: z.number().int().min(1).default(500).describe('Records in one write.'),
  maxInFlight: z.number().int().min(1).default(64).describe('Writes awaiting confirmation at the same time.'),
  tls: tls.prefault({}),
});

export type Options = z.output<typeof options>;
