/** Pure: what stands before the payload. */
import type { Delivery } from '../../pipeline/contracts.ts';
import { sinkKinds, type SinkKind } from '../base-options.ts';
import { isoTime } from '../records/time.ts';
import type { About } from './about.ts';
import { facilities } from './options.ts';
import type { Options } from './options.ts';
import { headerField, paramValue } from './text.ts';

export type HeaderOptions = Pick<
  Options,
  'facility' | 'facilities' | 'appName' | 'enterpriseNumber' | 'bom' | 'header' | 'format'
>;

/** Everything up to the payload; `isShortened` says whether the payload is. */
export type Header = (item: Delivery, facts: About, resent: boolean, isShortened: boolean) => string;

export function headerOf(options: HeaderOptions): Header {
  const facility = facilities.indexOf(options.facility) * 8;
  const byKind = new Map(
    sinkKinds.map((kind: SinkKind) => [
      kind as string,
      facilities.indexOf(options.facilities[kind] ?? options.facility) * 8,
    ]),
  );
  const priority = (item: Delivery, facts: About): number =>
    (byKind.get(item.kind) ?? facility) + facts.severity;
  return isRfc3164(options) ? rfc3164(options, priority) : rfc5424(options, priority);
}

/** QRadar takes LEEF behind the old header only. */
export const isRfc3164 = ({ header, format }: Pick<Options, 'header' | 'format'>): boolean =>
  (header ?? (format === 'leef' ? 'rfc3164' : 'rfc5424')) === 'rfc3164';

type Priority = (item: Delivery, facts: About) => number;

function rfc5424(options: HeaderOptions, priority: Priority): Header {
  const element = `[weir@${options.enterpriseNumber} id="`;
  const mark = options.bom ? '\ufeff' : '';
  return (item, facts, resent, isShortened) =>
    '<' +
    priority(item, facts) +
    '>1 ' +
    timestamp(facts.timeMs) +
    ' ' +
    headerField(facts.host, 255) +
    ' ' +
    options.appName +
    ' - ' +
    headerField(facts.messageId, 32) +
    ' ' +
    element +
    paramValue(facts.id) +
    '" rev="' +
    facts.revision +
    '" kind="' +
    item.kind +
    (resent ? '" resent="1' : '') +
    (isShortened ? '" truncated="1"] ' : '"] ') +
    mark;
}

/** TIMESTAMP of RFC 5424 section 6.2.3; `-` for what has no year of four digits. */
const timestamp = (timeMs: number): string =>
  timeMs >= 0 && timeMs < 253_402_300_800_000 ? isoTime(timeMs) : '-';

/** CEF and LEEF begin where the tag would: receivers look for them behind the host. */
function rfc3164(options: HeaderOptions, priority: Priority): Header {
  const tag = options.format === 'cef' || options.format === 'leef' ? '' : `${options.appName}: `;
  return (item, facts) =>
    `<${priority(item, facts)}>${oldTimestamp(facts.timeMs)} ${headerField(facts.host, 255)} ${tag}`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** `Jan  2 03:04:05`, UTC. */
function oldTimestamp(timeMs: number): string {
  const text = timeMs >= 0 && timeMs < 253_402_300_800_000 ? isoTime(timeMs) : isoTime(0);
  const day = Number(text.slice(8, 10));
  return `${months[Number(text.slice(5, 7)) - 1]} ${String(day).padStart(2)} ${text.slice(11, 19)}`;
}
