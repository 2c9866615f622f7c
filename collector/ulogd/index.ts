import type { LineDecoder, OriginContext, SourceType } from '../../pipeline/contracts.ts';
import { forwardedOf } from '../decode/forwarder.ts';
import { idsByObserver } from '../decode/ids.ts';
import { malformed } from '../decode/reject.ts';
import { localTimes } from '../decode/times.ts';
import { decodeRecord, type Raw } from './decode.ts';
import type { Options } from './options.ts';
import { meanings } from './prefixes.ts';

function parse(line: string): object | null {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? parsed : null;
  } catch {
    return null;
  }
}

function decoder(options: Options, context: OriginContext): LineDecoder {
  const { origin, place, receivedMs } = context;
  const id = idsByObserver('ulogd', origin);
  const meaning = meanings(options.prefixes);
  const time = localTimes(options.timezone);
  return {
    decode(line, out) {
      let raw = parse(line.text);
      let { timeMs, node, cluster } = line;
      if (raw !== null && !('src_ip' in raw) && 'message' in raw) {
        const inner = forwardedOf(raw);
        raw = inner && parse(inner.text);
        timeMs = inner?.timeMs ?? timeMs;
        node = inner?.node ?? node;
        cluster = inner?.cluster ?? cluster;
      }
      if (raw === null) return out.reject(malformed(place, line, 'a JSON object of ulogd'));
      const flow = decodeRecord(raw as Raw, {
        position: line.position,
        origin,
        cluster: cluster ?? context.cluster,
        node: node ?? context.node,
        receivedMs: receivedMs(),
        timeMs,
        id,
        meaning,
        time,
      });
      if (typeof flow === 'string') out.reject(malformed(place, line, flow));
      else out.flow(flow);
    },
  };
}

/** JSON lines of ulogd2: packets of NFLOG and connections of NFCT. */
export const source: SourceType<Options> = { disorderMs: 5000, deliveryMs: 2000, decoder };
