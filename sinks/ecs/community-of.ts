import { communityId } from '../../schema/community-id.ts';
import type { Flow } from '../../schema/records.ts';

const ICMP = 1;
const ICMP6 = 58;

/** Community ID v1 of a flow; null where addresses, protocol or ports are not known. */
export function communityOf(flow: Flow): string | null {
  const { protocol, source, destination } = flow;
  if (protocol === null || source.ip === null || destination.ip === null) return null;
  const isIcmp = protocol === ICMP || protocol === ICMP6;
  return communityId({
    protocol,
    source: source.ip,
    destination: destination.ip,
    sourcePort: isIcmp ? flow.icmpType : source.port,
    destinationPort: isIcmp ? flow.icmpCode : destination.port,
  });
}
