/** Records to a SIEM as RFC 5424 messages over TLS, TCP or UDP. */
import type { Context, Delivery, Sink } from '../../pipeline/contracts.ts';
import { PartialWriteError, WeirError, messageOf } from '../../pipeline/errors.ts';
import type { Refusal } from '../../pipeline/errors.ts';
import { lineBuffer } from '../records/line-buffer.ts';
import type { LineBuffer } from '../records/line-buffer.ts';
import { connect } from './connect.ts';
import type { Connection } from './connect.ts';
import { datagrams } from './datagram.ts';
import { encoder } from './encode.ts';
import type { Message } from './encode.ts';
import type { Options } from './options.ts';
import { resentMarks } from './resent.ts';
import { stream } from './stream.ts';
import type { Frames } from './stream.ts';
import { parseTargets } from './target.ts';
import type { Target } from './target.ts';
import { programVersion } from './version.ts';

export type SyslogContext = Pick<Context, 'name' | 'clock' | 'meter' | 'log'>;

/** Message limits where none is configured: an unconfigured rsyslog, and an Ethernet frame with IPv6 and UDP headers. */
const defaultMaxBytes = { stream: 8096, datagram: 1452 } as const;

/** Every receiver takes 480 octets (RFC 5424 section 6.1); with less there is no room for the header. */
const leastMaxBytes = 480;

/** Writes that the kernel has not taken yet are few: it takes one after the other. */
const MAX_BUFFERS = 4;

/** Records whose resend can be marked; more than one connection's worth of unconfirmed ones. */
const rememberedResends = 100_000;

/**
 * Throws `config_invalid` for a target that cannot be read. `write` resolves as `confirmMs` tells for streams and
 * when sent for datagrams; run up to `batch.maxInFlight` writes at once, or throughput is one batch per `confirmMs`.
 */
export function create(options: Options, context: SyslogContext): Sink {
  const targets = parseTargets(options.to);
  const overUdp = targets[0]!.transport === 'udp';
  const maxBytes = options.maxMessageBytes ?? (overUdp ? defaultMaxBytes.datagram : defaultMaxBytes.stream);
  if (maxBytes < leastMaxBytes) {
    throw new WeirError(
      'config_invalid',
      `maxMessageBytes is ${maxBytes}: expected at least ${leastMaxBytes} bytes`,
    );
  }
  const encode = encoder({ options, maxBytes, version: programVersion() });
  const shortened = context.meter.counter(
    'syslog_messages_shortened_total',
    'Messages shortened to maxMessageBytes.',
    ['sink'],
  );
  const labels = { sink: context.name };
  const batch = {
    maxRecords: options.batchRecords,
    maxWaitMs: 200,
    maxInFlight: overUdp ? 1 : options.maxInFlight,
  };

  return overUdp ? overDatagrams() : overStream();

  /** Null, and a refusal noted, for a record that cannot be encoded: it is not the receiver's fault. */
  function encoded(item: Delivery, index: number, resent: boolean, refusals: Refusal[]): Message | null {
    try {
      const message = encode(item, resent);
      if (message.shortened) shortened.add(1, labels);
      return message;
    } catch (error) {
      const reason = `${item.kind} ${item.record.id}: ${messageOf(error)}`;
      refusals.push({ index, retryable: false, code: 'record_unencodable', reason });
      return null;
    }
  }

  function overDatagrams(): Sink {
    const out = datagrams(targets, context.clock);
    return {
      batch,
      start: () => out.open(),
      stop: () => out.close(),
      write: async (items, signal) => {
        if (signal.aborted) throw new WeirError('sink_unavailable', 'stopped before it was sent');
        const refusals: Refusal[] = [];
        const messages: Buffer[] = [];
        for (const [index, item] of items.entries()) {
          const message = encoded(item, index, false, refusals);
          if (message) messages.push(Buffer.from(message.text));
        }
        await out.send(messages);
        if (refusals.length > 0) throw new PartialWriteError(refusals);
      },
    };
  }

  function overStream(): Sink {
    const resends = context.meter.counter(
      'syslog_messages_resent_total',
      'Messages sent again, marked resent.',
      ['sink'],
    );
    const reconnects = context.meter.counter('syslog_connections_total', 'Connections opened.', ['sink']);
    const unconfirmed = context.meter.gauge('syslog_unconfirmed_bytes', 'Bytes sent and not yet confirmed.', [
      'sink',
    ]);
    const marks = resentMarks(rememberedResends);
    /** Of writes that the kernel has taken, to be filled again. */
    const buffers: LineBuffer[] = [];

    const connectAny = async (signal: AbortSignal): Promise<Connection> => {
      const failures: WeirError[] = [];
      for (const target of targets) {
        try {
          const connection = await connect(target, options, context.clock, signal);
          reconnects.add(1, labels);
          context.log.info({ sink: context.name, target: target.text }, 'syslog receiver connected');
          return connection;
        } catch (error) {
          if (!(error instanceof WeirError)) throw error;
          failures.push(error);
        }
      }
      const [first] = failures;
      if (failures.length === 1 && first) throw first;
      throw new WeirError(
        failures.find((error) => error.code === 'tls_invalid')?.code ?? 'sink_unavailable',
        `no syslog receiver answers: ${failures.map((error) => error.message).join('; ')}`,
        { cause: first },
      );
    };

    const out = stream({
      confirmMs: options.confirmMs,
      writeTimeoutMs: options.writeTimeoutMs,
      maxUnconfirmedBytes: options.maxUnconfirmedBytes,
      clock: context.clock,
      connect: connectAny,
      onBroken: (items, reason) => {
        marks.add(items);
        context.log.warn(
          { sink: context.name, records: items.length, reason: reason.message },
          'syslog connection broke before delivery was confirmed',
        );
      },
      onConfirmed: (items) => {
        marks.forget(items);
        unconfirmed.set(out.unconfirmedBytes(), labels);
      },
    });

    const frame = (items: readonly Delivery[], target: Target, refusals: Refusal[]): Frames => {
      const counted = target.transport === 'tls' || options.framing === 'octet';
      const lines = buffers.pop() ?? lineBuffer();
      lines.clear();
      for (const [index, item] of items.entries()) {
        const resent = marks.has(item);
        const message = encoded(item, index, resent, refusals);
        if (!message) continue;
        if (resent) resends.add(1, labels);
        lines.add(counted ? `${message.bytes} ${message.text}` : `${message.text}\n`);
      }
      const release = (): void => {
        if (buffers.length < MAX_BUFFERS) buffers.push(lines);
      };
      return { bytes: lines.bytes(), release };
    };

    return {
      batch,
      start: async (signal) => {
        const connection = await out.open(signal);
        await staysGood(connection, signal);
      },
      stop: () => out.close(),
      write: async (items, signal) => {
        if (items.length === 0) return;
        const refusals: Refusal[] = [];
        const framed = (target: Target): Frames => {
          refusals.length = 0;
          return frame(items, target, refusals);
        };
        await out.write(items, framed, signal);
        if (refusals.length > 0) throw new PartialWriteError(refusals);
      },
    };
  }

  /** With TLS 1.3 a refused client certificate shows only after the handshake: wait a moment for it. */
  async function staysGood(connection: Connection, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const first = await Promise.race([
      connection.closed,
      context.clock.sleep(Math.min(options.confirmMs, 200), AbortSignal.any([over.signal, signal])),
    ]);
    over.abort();
    if (first instanceof WeirError) throw first;
  }
}
