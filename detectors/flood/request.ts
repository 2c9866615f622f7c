import type { Flow } from '../../schema/records.ts';
import { contactOutcome, outcomes } from '../contact.ts';
import { isWorld } from '../party.ts';

const TCP = 6;
const UDP = 17;
const SYN = 2;
const RST = 4;
const ACK = 16;

/** What a flow asks of its destination. `reflected` is an answer that the destination did not ask for. */
export const requests = { none: 0, answered: 1, unanswered: 2, reflected: 3 } as const;
export type Request = (typeof requests)[keyof typeof requests];

/**
 * UDP services that answer with much more than they are asked, by which others are flooded: US-CERT TA14-017A "UDP-Based
 * Amplification Attacks".
 */
const AMPLIFIERS: ReadonlySet<number> = new Set([
  17, 19, 53, 69, 111, 123, 137, 161, 389, 520, 1900, 3702, 5683, 10_001, 11_211, 27_015, 37_810,
]);

/**
 * What a flow is to its destination. Answers to questions that somebody asked under a false address (backscatter: SYN-ACK, RST, ICMP
 * errors) are none: their sender is the victim of a flood elsewhere, and who gets them is no victim of one.
 */
export function requestOf(flow: Flow): Request {
  if (!flow.counted || flow.sourcePackets === 0 || isBackscatter(flow)) return requests.none;
  switch (contactOutcome(flow)) {
    case outcomes.failed:
      // What would be denied was let through, and nothing else says that it failed.
      return flow.verdict === 'audit' ? requests.answered : requests.unanswered;
    case outcomes.answered:
    case outcomes.seen:
      return requests.answered;
    default:
      return isReflected(flow) ? requests.reflected : requests.none;
  }
}

function isBackscatter(flow: Flow): boolean {
  if (flow.protocol !== TCP) return false;
  const { sourcePackets, destinationPackets, tcpFlags } = flow;
  // Begun with the answer of the other side, and ended with one packet: the RST of a host that never asked.
  if (sourcePackets === 1 && destinationPackets === 1 && (flow.connectionsCompleted ?? 0) > 0) return true;
  const isOneWay = destinationPackets === 0 || flow.unit === 'packet';
  if (tcpFlags === null || !isOneWay) return false;
  return (tcpFlags & SYN) !== 0 ? (tcpFlags & ACK) !== 0 : (tcpFlags & RST) !== 0;
}

function isReflected({ protocol, source, destinationPackets }: Flow): boolean {
  if (protocol !== UDP || source.port === null || !AMPLIFIERS.has(source.port)) return false;
  return !(destinationPackets !== null && destinationPackets > 0) && isWorld(source);
}
