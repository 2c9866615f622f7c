import type { Context, Delivery, Sink } from '../../pipeline/contracts.ts';
import { messageOf, type Refusal } from '../../pipeline/errors.ts';
import type { Message } from './encode.ts';
import type { Options } from './options.ts';

/** The way to one receiver, or to the first that answers of several. */
export type Channel = Required<Pick<Sink, 'start' | 'stop' | 'write'>>;

export type SyslogContext = Pick<Context, 'name' | 'clock' | 'meter' | 'log'>;

export interface ChannelSettings {
  readonly options: Options;
  readonly context: SyslogContext;
  readonly encode: (item: Delivery, resent: boolean, maxBytes: number) => Message;
  readonly metrics: SyslogMetrics;
}

export interface SyslogMetrics {
  shortened(): void;
  resent(): void;
  connected(): void;
  /** Bytes of one channel that are sent and not confirmed. */
  unconfirmed(channel: object, bytes: number): void;
}

export function syslogMetrics({ meter, name }: SyslogContext): SyslogMetrics {
  const labels = { sink: name };
  const shortened = meter.counter(
    'syslog_messages_shortened_total',
    'Messages shortened to maxMessageBytes.',
    ['sink'],
  );
  const resent = meter.counter('syslog_messages_resent_total', 'Messages sent again, marked resent.', [
    'sink',
  ]);
  const connections = meter.counter('syslog_connections_total', 'Connections opened.', ['sink']);
  const gauge = meter.gauge('syslog_unconfirmed_bytes', 'Bytes sent and not yet confirmed.', ['sink']);
  const held = new Map<object, number>();
  return {
    shortened: () => shortened.add(1, labels),
    resent: () => resent.add(1, labels),
    connected: () => connections.add(1, labels),
    unconfirmed(channel, bytes) {
      held.set(channel, bytes);
      let sum = 0;
      for (const one of held.values()) sum += one;
      gauge.set(sum, labels);
    },
  };
}

/** Null, and a refusal noted, for a record that cannot be encoded: it is not the receiver's fault. */
export function encoded(
  { encode, metrics }: ChannelSettings,
  what: {
    readonly item: Delivery;
    readonly index: number;
    readonly resent: boolean;
    readonly maxBytes: number;
  },
  refusals: Refusal[],
): Message | null {
  const { item, index } = what;
  try {
    const message = encode(item, what.resent, what.maxBytes);
    if (message.shortened) metrics.shortened();
    return message;
  } catch (error) {
    const reason = `${item.kind} ${item.record.id}: ${messageOf(error)}`;
    refusals.push({ index, retryable: false, code: 'record_unencodable', reason });
    return null;
  }
}
