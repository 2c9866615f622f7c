import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { receiver, type Received, type Reply } from '../http/receiver.ts';

/** An event as the collector took it. */
export interface HecEvent {
  readonly time: number;
  readonly host: string;
  readonly source: string;
  readonly sourcetype: string;
  readonly index?: string;
  readonly event: Readonly<Record<string, unknown>> & { readonly weir: Readonly<Record<string, unknown>> };
}

export interface SplunkOptions {
  /** Whether the token has indexer acknowledgement on. */
  readonly acknowledges?: boolean;
  readonly indexes?: readonly string[];
  readonly maxContentBytes?: number;
  /** Answers a request with events instead; null to go on. */
  readonly instead?: (nth: number) => Reply | null;
  /** Whether what was taken is indexed now; what is not is lost when `crash` is called. */
  readonly isIndexed?: (ackId: number) => boolean;
}

export interface FakeSplunk {
  readonly url: string;
  readonly token: string;
  /** What is indexed and can be searched. */
  readonly indexed: HecEvent[];
  readonly requests: Received[];
}

const KEYS = ['time', 'host', 'source', 'sourcetype', 'index', 'event', 'fields'];

/**
 * The HTTP Event Collector as Splunk documents it, and strict: token, channel, codes with their statuses, `invalid-event-number`
 * with what stands before it taken, acknowledgements per channel that are told once.
 */
export async function fakeSplunk(t: TestContext, options: SplunkOptions = {}): Promise<FakeSplunk> {
  const token = randomUUID();
  const { acknowledges = true, indexes = ['main'], maxContentBytes = 1_000_000 } = options;
  const indexed: HecEvent[] = [];
  const channels = new Map<string, Map<number, HecEvent[]>>();
  let nextAck = 0;
  let nthRequest = 0;

  const say = (status: number, code: number, text: string, more: object = {}): Reply => ({
    status,
    body: JSON.stringify({ text, code, ...more }),
    headers: { 'content-type': 'application/json; charset=UTF-8' },
  });

  function authorised(request: Received): Reply | null {
    const given = request.headers.authorization;
    if (given === undefined) return say(401, 2, 'Token is required');
    if (!given.startsWith('Splunk ')) return say(401, 3, 'Invalid authorization');
    return given === `Splunk ${token}` ? null : say(403, 4, 'Invalid token');
  }

  function channelOf(request: Received, url: URL): Map<number, HecEvent[]> | Reply {
    const name = url.searchParams.get('channel') ?? request.headers['x-splunk-request-channel'];
    if (typeof name !== 'string') return say(400, 10, 'Data channel is missing');
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name))
      return say(400, 11, 'Invalid data channel');
    const channel = channels.get(name) ?? new Map<number, HecEvent[]>();
    channels.set(name, channel);
    return channel;
  }

  function events(request: Received, url: URL): Reply {
    const channel = acknowledges ? channelOf(request, url) : null;
    if (channel && !(channel instanceof Map)) return channel;
    const gzipped = request.headers['content-encoding'] === 'gzip';
    const body = (gzipped ? gunzipSync(request.body) : request.body).toString('utf8');
    if (Buffer.byteLength(body) > maxContentBytes) return say(413, 27, 'Request entity too large');
    if (body.trim() === '') return say(400, 5, 'No data');
    const instead = options.instead?.(nthRequest++) ?? null;
    if (instead) return instead;
    const taken: HecEvent[] = [];
    for (const [nth, text] of objectsIn(body).entries()) {
      const wrong = fault(text, indexes);
      if (wrong) {
        indexed.push(...taken);
        return say(400, wrong[0], wrong[1], { 'invalid-event-number': nth });
      }
      taken.push(JSON.parse(text) as HecEvent);
    }
    if (!channel) {
      indexed.push(...taken);
      return say(200, 0, 'Success');
    }
    const ackId = nextAck++;
    channel.set(ackId, taken);
    return say(200, 0, 'Success', { ackId });
  }

  function acks(request: Received, url: URL): Reply {
    if (!acknowledges) return say(400, 14, 'ACK is disabled');
    const channel = channelOf(request, url);
    if (!(channel instanceof Map)) return channel;
    const { acks: asked } = JSON.parse(request.body.toString()) as { acks: number[] };
    const said: Record<string, boolean> = {};
    for (const id of asked) {
      const taken = channel.get(id);
      said[id] = taken !== undefined && (options.isIndexed?.(id) ?? true);
      if (!said[id]) continue;
      // Told once, then forgotten.
      indexed.push(...taken!);
      channel.delete(id);
    }
    return { status: 200, body: JSON.stringify({ acks: said }) };
  }

  const far = await receiver(t, (request) => {
    const url = new URL(request.url, 'http://splunk');
    const path = url.pathname;
    if (path === '/services/collector/health') return say(200, 17, 'HEC is healthy');
    if (request.method !== 'POST') return { status: 405 };
    const refused = authorised(request);
    if (path === '/services/collector/ack') return refused ?? acks(request, url);
    if (path === '/services/collector/event' || path === '/services/collector')
      return refused ?? events(request, url);
    return { status: 404, body: '{"text":"The requested URL was not found on this server.","code":404}' };
  });
  return { url: far.url, token, indexed, requests: far.requests };
}

/** The JSON objects of a body that stand one behind the other; what cannot be told apart is one more. */
function objectsIn(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let start = -1;
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inText) {
      if (character === '\\') i++;
      else if (character === '"') inText = false;
    } else if (character === '"') inText = true;
    else if (character === '{' && depth++ === 0) start = i;
    else if (character === '}' && --depth === 0) found.push(text.slice(start, i + 1));
  }
  if (depth !== 0 || inText) found.push(text.slice(Math.max(0, start)));
  return found;
}

function fault(text: string, indexes: readonly string[]): readonly [number, string] | null {
  let event: HecEvent;
  try {
    event = JSON.parse(text) as HecEvent;
  } catch {
    return [6, 'Invalid data format'];
  }
  if (Object.keys(event).some((key) => !KEYS.includes(key))) return [6, 'Invalid data format'];
  if (event.event === undefined) return [12, 'Event field is required'];
  if (JSON.stringify(event.event) === '""') return [13, 'Event field cannot be blank'];
  if (typeof event.time !== 'number' || Number.isNaN(event.time)) return [6, 'Invalid data format'];
  if (event.index !== undefined && !indexes.includes(event.index)) return [7, 'Incorrect index'];
  return null;
}
