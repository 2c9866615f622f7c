import type { LineDecoder, OriginContext, SourceType } from '../../pipeline/contracts.ts';
import { forwardedOf } from '../decode/forwarder.ts';
import { idsByObserver } from '../decode/ids.ts';
import { malformed } from '../decode/reject.ts';
import { decodeRecord } from './decode.ts';
import type { Options } from './options.ts';

function decoder(options: Options, context: OriginContext): LineDecoder {
  const { origin, place, receivedMs } = context;
  const id = idsByObserver('netobserv', origin);
  const policyDropCauses = new Set(options.policyDropCauses);
  return {
    decode(line, out) {
      let raw: unknown;
      let { timeMs, node, cluster } = line;
      try {
        raw = JSON.parse(line.text);
        if (typeof raw === 'object' && raw !== null && !('SrcAddr' in raw)) {
          const inner = forwardedOf(raw);
          if (inner !== null) {
            raw = JSON.parse(inner.text);
            timeMs = inner.timeMs ?? timeMs;
            node = inner.node ?? node;
            cluster = inner.cluster ?? cluster;
          }
        }
      } catch {
        raw = null;
      }
      if (typeof raw !== 'object' || raw === null)
        return out.reject(malformed(place, line, 'a JSON object with a flow record of NetObserv'));
      const flow = decodeRecord(raw, {
        position: line.position,
        origin,
        cluster: cluster ?? context.cluster,
        node: node ?? context.node,
        receivedMs: receivedMs(),
        timeMs,
        id,
        policyDropCauses,
      });
      if (typeof flow === 'string') out.reject(malformed(place, line, flow));
      else out.flow(flow);
    },
  };
}

/** Flow records of the OpenShift network observability operator, one JSON object a line. */
export const source: SourceType<Options> = { disorderMs: 15_000, deliveryMs: 10_000, decoder };
