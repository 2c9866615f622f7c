import type { Endpoint, Flow } from '../../schema/records.ts';
import { directionOf, directions } from '../direction.ts';
import { isInventoried } from '../party.ts';

/** Bytes that leave: who sends them to whom, whoever began the connection. */
export interface Transfer {
  readonly sender: Endpoint;
  readonly peer: Endpoint;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** A counter that is missing, none or went backwards counts nothing. */
const bytesOf = (counter: number | null): number => (counter !== null && counter > 0 ? counter : 0);

/**
 * The transfer of a flow in the lane of one side, which is the sender: the initiator towards the outside, or a responder
 * inside that answers somebody outside. Null when that side sends nothing, or nothing leaves.
 */
export function transferOf(
  flow: Flow,
  role: 'source' | 'destination',
  isProxyPort: (port: number) => boolean,
): Transfer | null {
  const { source, destination } = flow;
  if (role === 'source') {
    const sentBytes = bytesOf(flow.sourceBytes);
    if (sentBytes === 0 || source.kind === 'public') return null;
    const direction = directionOf(flow, isProxyPort);
    if (direction !== directions.outside && direction !== directions.proxy) return null;
    return { sender: source, peer: destination, sentBytes, receivedBytes: bytesOf(flow.destinationBytes) };
  }
  const sentBytes = bytesOf(flow.destinationBytes);
  if (sentBytes === 0 || !isOutside(source, destination)) return null;
  return { sender: destination, peer: source, sentBytes, receivedBytes: bytesOf(flow.sourceBytes) };
}

function isOutside(caller: Endpoint, { kind }: Endpoint): boolean {
  if (kind === 'public' || kind === 'unknown' || kind === 'network_set') return false;
  // An address of the site that calls a workload is outside of the inventory, as one that is called by it is.
  return caller.kind === 'public' || (kind !== 'private' && !isInventoried(caller));
}
