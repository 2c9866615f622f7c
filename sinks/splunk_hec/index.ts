import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Context, Delivery, Sink } from '../../pipeline/contracts.ts';
import { WeirError, messageOf, type Refusal } from '../../pipeline/errors.ts';
import { httpClient } from '../http/client.ts';
import { isUnsent, throwRefusals, verdictError, verdictOf } from '../http/errors.ts';
import type { HttpReply } from '../http/reply.ts';
import { resentMarks, sentKeys } from '../records/resent.ts';
import { acknowledged, answerOf, NO_DATA } from './answer.ts';
import { acks } from './acks.ts';
import { eventText } from './encode.ts';
import type { Options } from './options.ts';

const compressed = promisify(gzip);
const REMEMBERED_RESENDS = 100_000;

/** A record with its place in the write and the event that is sent for it. */
interface Ready {
  readonly index: number;
  readonly item: Delivery;
  readonly text: string;
}

/**
 * Sends events to Splunk's HTTP Event Collector. A write resolves when the indexers acknowledge every request of it, or without
 * `acknowledge` when the collector has answered 200. Splunk knows no ids: what is sent again may be there twice, and is marked
 * `weir.resent` and counted.
 */
export function create(options: Options, context: Context): Sink {
  const base = options.url.replace(/\/+$/, '');
  const client = httpClient(options, { sink: context.name, logger: context.log });
  const labels = { sink: context.name };
  const resends = context.meter.counter(
    'splunk_events_resent_total',
    'Events sent again without knowing whether they had arrived.',
    ['sink'],
  );
  const marks = resentMarks(REMEMBERED_RESENDS);
  // Acknowledgements are counted per channel: one that another process used would mix with ours.
  let channel = randomUUID();
  const waiting = acks({
    clock: context.clock,
    everyMs: options.ackEveryMs,
    timeoutMs: options.ackTimeoutMs,
    async ask(ackIds, signal) {
      const reply = await post(`ack?channel=${channel}`, JSON.stringify({ acks: ackIds }), signal);
      const verdict = verdictOf(reply, base);
      if (verdict) throw verdictError(verdict);
      return acknowledged(reply);
    },
    failed: (error) =>
      context.log.warn(
        { sink: context.name, error: messageOf(error) },
        'acknowledgement could not be asked for',
      ),
  });

  async function post(path: string, text: string, signal: AbortSignal): Promise<HttpReply> {
    const isEvents = path === 'event';
    const body = options.compress && isEvents && text !== '' ? await compressed(text) : text;
    return client.send(
      {
        method: 'POST',
        url: `${base}/services/collector/${path}`,
        headers: {
          authorization: `Splunk ${options.token}`,
          'x-splunk-request-channel': channel,
          'content-type': 'application/json',
          ...(typeof body === 'string' ? {} : { 'content-encoding': 'gzip' }),
        },
        body,
      },
      signal,
    );
  }

  const ready = (index: number, item: Delivery): Ready => ({
    index,
    item,
    text: eventText(item, options, marks.has(item)),
  });

  /** Sends events and waits until they are kept; tells which were refused. */
  async function deliver(records: readonly Ready[], signal: AbortSignal): Promise<Refusal[]> {
    if (records.length === 0) return [];
    const items = records.map(({ item }) => item);
    const again = items.filter((item) => marks.has(item)).length;
    if (again > 0) resends.add(again, labels);
    // From here on they may be there, whatever becomes of the request.
    marks.add(sentKeys(items));
    const { verdict, ackId, at } = answerOf(await posted(records, signal), base);
    if (verdict === null) {
      if (options.acknowledge) {
        if (ackId === null) return records.map(({ index }) => ({ index, ...noAckId }));
        await waiting.wait(ackId, signal);
      }
      marks.forget(sentKeys(items));
      return [];
    }
    // An answer that is no 200 says that none was taken, or none from the faulty one on.
    const faulty = !verdict.retryable && at !== null && at >= 0 && at < records.length ? at : null;
    marks.forget(sentKeys(items.slice(faulty ?? 0)));
    if (verdict.retryable || records.length === 1) return records.map(({ index }) => ({ index, ...verdict }));
    if (faulty === null) {
      const half = records.length >> 1;
      return [
        ...(await deliver(records.slice(0, half), signal)),
        ...(await deliver(records.slice(half), signal)),
      ];
    }
    // Those before it were taken, but with no id by which they could be acknowledged.
    if (!options.acknowledge) marks.forget(sentKeys(items));
    const before = options.acknowledge
      ? records.slice(0, faulty).map(({ index, item }) => ready(index, item))
      : [];
    const refused = { index: records[faulty]!.index, ...verdict };
    return [refused, ...(await deliver([...before, ...records.slice(faulty + 1)], signal))];
  }

  async function posted(records: readonly Ready[], signal: AbortSignal): Promise<HttpReply> {
    try {
      return await post('event', records.map(({ text }) => text).join(''), signal);
    } catch (error) {
      if (isUnsent(error)) marks.forget(sentKeys(records.map(({ item }) => item)));
      throw error;
    }
  }

  const noAckId = {
    retryable: true,
    code: 'sink_misconfigured',
    reason: `${base} gave no acknowledgement id: turn indexer acknowledgement of the token on, or set acknowledge: false`,
  } as const;

  return {
    batch: {
      maxRecords: options.batchRecords,
      maxBytes: options.batchBytes,
      maxWaitMs: 500,
      maxInFlight: options.maxInFlight,
    },
    async start(signal) {
      // A request without events is answered by what is wrong first: with the token, with the channel, or that it is empty.
      const answer = answerOf(await post('event', '', signal), base);
      if (answer.code === NO_DATA) return;
      throw answer.verdict
        ? verdictError(answer.verdict)
        : new WeirError('sink_misconfigured', `${base} does not answer as an HTTP Event Collector does`);
    },
    async stop() {
      waiting.stop();
      await client.close();
      channel = randomUUID();
    },
    async write(items, signal) {
      signal.throwIfAborted();
      const refusals: Refusal[] = [];
      const records: Ready[] = [];
      for (const [index, item] of items.entries()) {
        try {
          records.push(ready(index, item));
        } catch (error) {
          const reason = `${item.kind} ${item.record.id}: ${messageOf(error)}`;
          refusals.push({ index, retryable: false, code: 'record_unencodable', reason });
        }
      }
      for (const part of inParts(records, options.batchBytes)) {
        try {
          refusals.push(...(await deliver(part, signal)));
        } catch (error) {
          if (signal.aborted || !(error instanceof WeirError)) throw error;
          const verdict = { retryable: true, code: error.code, reason: error.message };
          const from = part[0]!.index;
          const known = new Set(refusals.map(({ index }) => index));
          for (const { index } of records)
            if (index >= from && !known.has(index)) refusals.push({ index, ...verdict });
          break;
        }
      }
      throwRefusals(refusals);
    },
  };
}

/** The runtime counts bytes as they lie in the log; the receiver counts those of the events. */
function* inParts(records: readonly Ready[], maxBytes: number): Generator<Ready[]> {
  let part: Ready[] = [];
  let bytes = 0;
  for (const record of records) {
    const more = Buffer.byteLength(record.text);
    if (part.length > 0 && bytes + more > maxBytes) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(record);
    bytes += more;
  }
  if (part.length > 0) yield part;
}
