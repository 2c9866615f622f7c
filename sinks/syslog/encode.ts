/** Pure: records to RFC 5424 messages. */
import type { Delivery } from '../../pipeline/contracts.ts';
import { anyJson, toJson } from '../records/json.ts';
import { isoTime } from '../records/time.ts';
import { about } from './about.ts';
import { cef } from './cef.ts';
import { facilities } from './options.ts';
import type { Options } from './options.ts';
import { shorten } from './shorten.ts';
import { headerField, jsonLine, paramValue } from './text.ts';

export interface EncoderSettings {
  readonly options: Pick<
    Options,
    'format' | 'facility' | 'severities' | 'appName' | 'enterpriseNumber' | 'bom'
  >;
  /** Longest message, bytes. */
  readonly maxBytes: number;
  /** Version of this program, for the CEF header. */
  readonly version: string;
}

export interface Message {
  readonly text: string;
  /** Octets of `text` in UTF-8. */
  readonly bytes: number;
  readonly shortened: boolean;
}

/** Caps tried one after the other until the message fits; 0 leaves only what identifies the record. */
const caps = [2048, 512, 128, 48, 16, 0] as const;

/** Turns one record into one message of at most `maxBytes` (no less than 480, which every receiver takes). */
export function encoder(settings: EncoderSettings): (item: Delivery, resent: boolean) => Message {
  const { options, maxBytes, version } = settings;
  const facility = facilities.indexOf(options.facility) * 8;
  const element = `[weir@${options.enterpriseNumber} id="`;
  const mark = options.bom ? '\ufeff' : '';

  const payload = options.format === 'cef' ? cefPayload(version) : jsonPayload;

  return (item, resent) => {
    const facts = about(item, options.severities);
    const header = `<${facility + facts.severity}>1 ${timestamp(facts.timeMs)} ${headerField(facts.host, 255)} ${options.appName} - ${headerField(facts.messageId, 32)} ${element}${paramValue(facts.id)}" rev="${facts.revision}" kind="${item.kind}"${resent ? ' resent="1"' : ''}`;
    const text = `${header}] ${mark}${payload(item, null)}`;
    // UTF-8 has at least one byte a unit: what is too long in units need not be measured.
    const bytes = text.length > maxBytes ? text.length : Buffer.byteLength(text);
    if (bytes <= maxBytes) return { text, bytes, shortened: false };
    for (const cap of caps) {
      const shorter = `${header} truncated="1"] ${mark}${payload(item, cap)}`;
      const shorterBytes = Buffer.byteLength(shorter);
      if (shorterBytes <= maxBytes || cap === 0)
        return { text: shorter, bytes: shorterBytes, shortened: true };
    }
    throw new Error('unreachable: the last cap always returns');
  };
}

const cefPayload =
  (version: string) =>
  (item: Delivery, cap: number | null): string =>
    cap === 0
      ? `CEF:0|Weir|weir|${version}|${item.kind}|Weir record|0|externalId=${paramFree(item.record.id)} weirTruncated=1`
      : cef(item, version, cap);

/** An id as it may stand in CEF without escapes: ids are made of letters, digits, `-` and `_`. */
const paramFree = (id: string): string => headerField(id, 40).replace(/[\\=|]/g, '_');

function jsonPayload(item: Delivery, cap: number | null): string {
  if (cap === null) return jsonLine(toJson(item.kind, item.record));
  const { id } = item.record;
  const value = cap === 0 ? { id: headerField(id, 40) } : (shorten(item.record, cap) as object);
  return jsonLine(anyJson({ ...value, truncated: true }));
}

/** TIMESTAMP of RFC 5424 section 6.2.3; `-` for what has no year of four digits. */
const timestamp = (timeMs: number): string =>
  timeMs >= 0 && timeMs < 253_402_300_800_000 ? isoTime(timeMs) : '-';
