import { newEndpoint, newFlow, type Flow } from '../../schema/records.ts';
import { canonicalIp } from '../decode/addresses.ts';
import { ACK, FIN, ICMP, ICMP6, RST, SYN, TCP, protocolNumber } from '../decode/protocols.ts';

/** Columns that are read, in the order of the cells given to `decodeRow`. */
export const columns = [
  'ts',
  'id.orig_h',
  'id.orig_p',
  'id.resp_h',
  'id.resp_p',
  'proto',
  'duration',
  'orig_bytes',
  'resp_bytes',
  'conn_state',
  'history',
  'orig_pkts',
  'orig_ip_bytes',
  'resp_pkts',
  'resp_ip_bytes',
  '_system_name',
  'ip_proto',
] as const;

/** A cell is undefined where the column is absent, unset or empty. Numbers may be text. */
export type Cell = string | number | undefined;

export interface Place {
  readonly position: number;
  readonly origin: string;
  readonly cluster: string;
  readonly node: string | null;
  readonly receivedMs: number;
  readonly payloadBytes: boolean;
  readonly id: (cluster: string, node: string | null, position: number) => string;
}

/** Begun, answered and ended, answered and open: Zeek's documentation of conn_state (base/protocols/conn/main.zeek). */
const states: Readonly<Record<string, readonly [started: number, completed: number, live: number]>> = {
  S0: [1, 0, 0],
  S1: [1, 0, 1],
  SF: [1, 1, 0],
  REJ: [1, 0, 0],
  S2: [1, 0, 1],
  S3: [1, 0, 1],
  RSTO: [1, 1, 0],
  RSTR: [1, 1, 0],
  RSTOS0: [1, 0, 0],
  RSTRH: [1, 0, 0],
  SH: [1, 0, 0],
  SHR: [1, 0, 0],
  OTH: [0, 0, 1],
};

const historyFlags: Readonly<Record<string, number>> = {
  s: SYN,
  h: SYN | ACK,
  a: ACK,
  d: ACK,
  f: FIN,
  r: RST,
};
const flagsByHistory = new Map<string, number>();

/** TCP flags that a history tells of, both directions together. */
function flagsOf(history: string): number {
  let flags = flagsByHistory.get(history);
  if (flags === undefined) {
    flags = 0;
    for (const letter of history.toLowerCase()) flags |= historyFlags[letter] ?? 0;
    if (flagsByHistory.size >= 4096) flagsByHistory.clear();
    flagsByHistory.set(history, flags);
  }
  return flags;
}

function count(cell: Cell): number | null {
  if (cell === undefined) return null;
  const value = typeof cell === 'number' ? cell : Number(cell);
  return Number.isSafeInteger(value) && value >= 0 ? value : null;
}

const byte = (cell: Cell): number | null => {
  const value = count(cell);
  return value !== null && value <= 255 ? value : null;
};

const port = (cell: Cell): number | null => {
  const value = count(cell);
  return value !== null && value <= 65535 ? value : null;
};

/** Seconds since 1970 with a fraction, or ISO 8601 (UTC where it names no zone), in milliseconds; NaN when it is neither. */
function timeOf(cell: Cell): number {
  if (typeof cell === 'number') return cell * 1000;
  if (cell === undefined) return NaN;
  const seconds = Number(cell);
  if (!Number.isNaN(seconds)) return seconds * 1000;
  // What is below a millisecond is in the text, and Date.parse leaves it out: good enough here.
  // Without a zone it would be read in this machine's, and a log differently on each.
  return Date.parse(/[Tt ][\d:.]+$/.test(cell) ? `${cell}Z` : cell);
}

/** A host name, where a log was written with names for addresses. */
const hostOf = (cell: Cell): string | null =>
  typeof cell === 'string' && /^(?=.*[A-Za-z])[\w.-]{1,253}$/.test(cell) ? cell : null;

const MAX_TIME_MS = 8.64e15;

/** The connection of one row. A string says what was expected and is not there. */
export function decodeRow(cells: readonly Cell[], place: Place): Flow | string {
  const start = timeOf(cells[0]);
  if (!(start >= 0 && start < MAX_TIME_MS)) return 'a time in ts';
  const sourceIp = typeof cells[1] === 'string' ? canonicalIp(cells[1]) : null;
  const destinationIp = typeof cells[3] === 'string' ? canonicalIp(cells[3]) : null;
  const sourceName = sourceIp === null ? hostOf(cells[1]) : null;
  const destinationName = destinationIp === null ? hostOf(cells[3]) : null;
  if ((sourceIp ?? sourceName) === null || (destinationIp ?? destinationName) === null) {
    return 'addresses in id.orig_h and id.resp_h';
  }
  const duration = cells[6] === undefined ? 0 : Number(cells[6]);
  const durationMs = duration > 0 && duration < 1e10 ? duration * 1000 : 0;

  const source = newEndpoint();
  const destination = newEndpoint();
  const node = typeof cells[15] === 'string' ? cells[15] : place.node;
  const flow = newFlow({
    id: place.id(place.cluster, node, place.position),
    origin: place.origin,
    position: place.position,
    cluster: place.cluster,
    collector: 'zeek_conn',
    startMs: Math.floor(start),
    endMs: Math.floor(start + durationMs),
    receivedMs: place.receivedMs,
    source,
    destination,
  });
  flow.node = node;
  flow.reporter = 'transit';
  flow.unit = 'connection';
  source.ip = sourceIp;
  destination.ip = destinationIp;
  source.hostname = sourceName;
  destination.hostname = destinationName;
  const name = cells[5];
  let protocol =
    typeof name === 'string' ? (protocolNumber(name) ?? protocolNumber(name.toLowerCase())) : null;
  if (protocol === ICMP && (sourceIp ?? destinationIp)?.includes(':')) protocol = ICMP6;
  protocol ??= byte(cells[16]);
  flow.protocol = protocol;
  const first = port(cells[2]);
  const second = port(cells[4]);
  if (protocol === ICMP || protocol === ICMP6) {
    flow.icmpType = first;
    flow.icmpCode = second;
  } else {
    source.port = first;
    destination.port = second;
  }
  const history = cells[10];
  if (typeof history === 'string') {
    if (protocol === TCP) flow.tcpFlags = flagsOf(history);
    // `^` means that Zeek turned the direction round by a heuristic.
    if (history.charCodeAt(0) === 94) flow.initiatorGuessed = true;
  }
  const state = cells[9];
  if (typeof state === 'string') {
    flow.verdictRaw = state;
    const counts = Object.hasOwn(states, state) ? states[state]! : null;
    if (counts) {
      flow.connectionsStarted = counts[0];
      flow.connectionsCompleted = counts[1];
      flow.connectionsLive = counts[2];
    }
    if (state === 'OTH') flow.initiatorGuessed = true;
  }
  flow.sourcePackets = count(cells[11]);
  flow.destinationPackets = count(cells[13]);
  if (place.payloadBytes) {
    flow.sourceBytes = count(cells[7]) ?? count(cells[12]);
    flow.destinationBytes = count(cells[8]) ?? count(cells[14]);
  } else {
    flow.sourceBytes = count(cells[12]) ?? count(cells[7]);
    flow.destinationBytes = count(cells[14]) ?? count(cells[8]);
  }
  return flow;
}
