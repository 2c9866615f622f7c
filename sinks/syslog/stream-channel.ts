import type { Delivery } from '../../pipeline/contracts.ts';
import { PartialWriteError, WeirError, type Refusal } from '../../pipeline/errors.ts';
import { lineBuffer, type LineBuffer } from '../records/line-buffer.ts';
import { encoded, type Channel, type ChannelSettings } from './channel.ts';
import { connect } from './connect.ts';
import type { Connection, Frames } from './connection.ts';
import { addFrame } from './frame.ts';
import { resentMarks, sentKeys, type SentKeys } from '../records/resent.ts';
import { MAX_UNFLUSHED, stream, type StreamWrite } from './stream.ts';
import type { Target } from './target.ts';

/** Records whose resend can be marked; more than one connection's worth of unconfirmed ones. */
const rememberedResends = 100_000;

/** What is known of a write while it waits: nothing that holds the records themselves. */
interface Written {
  sent: SentKeys | null;
  /** Of each message of the last frame, which item it is. */
  positions: number[];
  refusals: Refusal[];
}

/** Over TCP, TLS and RELP; of several targets the first that answers. */
export function streamChannel(targets: readonly Target[], settings: ChannelSettings): Channel {
  const { options, context, metrics } = settings;
  const marks = resentMarks(rememberedResends);
  /** Of writes that the kernel has taken, to be filled again. */
  const buffers: LineBuffer[] = [];
  const self = {};

  const connectAny = async (signal: AbortSignal): Promise<Connection> => {
    const failures: WeirError[] = [];
    for (const target of targets) {
      try {
        const connection = await connect(target, options, context.clock, signal);
        metrics.connected();
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
    onBroken: (sent, reason) => {
      marks.add(sent);
      context.log.warn(
        { sink: context.name, records: sent.ids.length, reason: reason.message },
        'syslog connection broke before delivery was confirmed',
      );
    },
    onConfirmed: (sent) => {
      marks.forget(sent);
      metrics.unconfirmed(self, out.unconfirmedBytes());
    },
  });

  const frame = (items: readonly Delivery[], connection: Connection, written: Written): Frames => {
    const { framing, maxMessageBytes: maxBytes } = connection.target;
    const lines = buffers.pop() ?? lineBuffer();
    lines.clear();
    written.refusals = [];
    written.positions = [];
    let count = 0;
    let firstTransaction = 0;
    for (let index = 0; index < items.length; index++) {
      const item = items[index]!;
      const resent = marks.has(item);
      const message = encoded(settings, { item, index, resent, maxBytes }, written.refusals);
      if (!message) continue;
      if (resent) metrics.resent();
      const transaction = connection.transaction();
      if (count++ === 0) firstTransaction = transaction;
      if (connection.acknowledges) written.positions.push(index);
      addFrame(lines, message, framing, transaction);
    }
    const release = (): void => {
      if (buffers.length < MAX_UNFLUSHED) buffers.push(lines);
    };
    return { bytes: lines.bytes(), count, firstTransaction, release };
  };

  /** A function of its own: what it gives back holds the records, and is let go of when they are sent. */
  const writeOf = (items: readonly Delivery[], written: Written): StreamWrite => ({
    frame: (connection) => frame(items, connection, written),
    sent: () => (written.sent = sentKeys(items)),
  });

  return {
    start: async (signal) => {
      const connection = await out.open(signal);
      if (!connection.acknowledges) await staysGood(connection, signal);
    },
    stop: () => out.close(),
    write: (items, signal) => {
      if (items.length === 0) return Promise.resolve();
      return settled(out, writeOf, items, signal);
    },
  };

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

function settled(
  out: { write(write: StreamWrite, signal: AbortSignal): Promise<readonly number[]> },
  writeOf: (items: readonly Delivery[], written: Written) => StreamWrite,
  items: readonly Delivery[],
  signal: AbortSignal,
): Promise<void> {
  const written: Written = { sent: null, positions: [], refusals: [] };
  return out.write(writeOf(items, written), signal).then((refused) => judge(written, refused));
}

/** What the receiver refused is refused; where it refused everything it is the receiver, and is tried again. */
function judge({ sent, positions, refusals }: Written, refused: readonly number[]): void {
  if (refused.length > 0 && refused.length === positions.length)
    throw new WeirError('sink_unavailable', `the receiver refused all of ${refused.length} messages`);
  for (const position of refused) {
    const index = positions[position]!;
    const reason = `${sent?.kinds[index]} ${sent?.ids[index]}: the receiver refused it over RELP`;
    refusals.push({ index, retryable: false, code: 'sink_refused_record', reason });
  }
  if (refusals.length > 0) throw new PartialWriteError(refusals);
}
