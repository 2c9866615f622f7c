import type { LineDecoder, OriginContext, SourceType } from '../../pipeline/contracts.ts';
import { forwardedOf } from '../decode/forwarder.ts';
import { idsByObserver } from '../decode/ids.ts';
import { malformed } from '../decode/reject.ts';
import { decodeRecord } from './decode.ts';
import type { Options } from './options.ts';
import type { Raw } from './record.ts';

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
      const flow = decodeRecord(upperCased(raw), {
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

/** `SrcK8s_Name`, `dstK8s_Namespace`: as pipelines configured by hand call what the operator calls `SrcK8S_Name`. */
const LOWER = /^([sS]rc|[dD]st)K8s_/;

/**
 * The record with its names as the operator writes them. Names are only gone through where neither side has a
 * namespace, so that usual records pay two look-ups.
 */
function upperCased(raw: Raw): Raw {
  if (raw.SrcK8S_Namespace !== undefined || raw.DstK8S_Namespace !== undefined) return raw;
  let renamed: Record<string, unknown> | null = null;
  for (const key of Object.keys(raw)) {
    const side = LOWER.exec(key)?.[1];
    if (side === undefined) continue;
    renamed ??= { ...raw };
    const name = `${side.toLowerCase() === 'src' ? 'Src' : 'Dst'}K8S_${key.slice(7)}`;
    renamed[name] ??= (raw as Record<string, unknown>)[key];
  }
  return renamed ?? raw;
}

/** Flow records of the OpenShift network observability operator, one JSON object a line. */
export const source: SourceType<Options> = { disorderMs: 15_000, deliveryMs: 10_000, decoder };
