import type { Flow } from '../schema/records.ts';

/** A handshake and its end take three packets of the client and two of the server; a session takes more. */
const SOURCE_PACKETS = 5;
const DESTINATION_PACKETS = 4;

/**
 * Whether something was said over an answered connection, or the port was only found open. Origins that do not count packets,
 * log single ones or sample do not tell; what policy allowed there is taken for a session.
 */
export function isExchange(flow: Flow): boolean {
  const { sourcePackets, destinationPackets } = flow;
  if (flow.unit === 'packet' || flow.samplingRate > 1) return true;
  if (sourcePackets === null || destinationPackets === null) return true;
  return sourcePackets >= SOURCE_PACKETS && destinationPackets >= DESTINATION_PACKETS;
}

/** Bytes of both directions; null when the origin counts neither. */
export function bytesOfBoth(flow: Flow): number | null {
  const { sourceBytes, destinationBytes } = flow;
  if (sourceBytes === null && destinationBytes === null) return null;
  return (sourceBytes ?? 0) + (destinationBytes ?? 0);
}
