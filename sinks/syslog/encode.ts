/** Pure: records to syslog messages. */
import type { Delivery } from '../../pipeline/contracts.ts';
import { payload } from '../formats/index.ts';
import { markResent } from '../formats/resent.ts';
import { about } from './about.ts';
import { headerOf, isRfc3164, type HeaderOptions } from './header.ts';
import type { Options } from './options.ts';

export interface EncoderSettings {
  readonly options: HeaderOptions & Pick<Options, 'severities' | 'fields' | 'cefVersion'>;
  /** Version of this program, for the headers that name it. */
  readonly version: string;
}

/** In two parts, as both are written once and never joined. */
export interface Message {
  readonly head: string;
  readonly body: string;
  readonly shortened: boolean;
}

/** Caps tried one after the other until the message fits; 0 leaves only what identifies the record. */
const caps = [2048, 512, 128, 48, 16, 0] as const;

/** Turns one record into one message of at most `maxBytes` (no less than 480, which every receiver takes). */
export function encoder(
  settings: EncoderSettings,
): (item: Delivery, resent: boolean, maxBytes: number) => Message {
  const { options, version } = settings;
  const header = headerOf(options);
  const format = payload(options.format, { version, fields: options.fields }, options.cefVersion);
  // The old header has no place for the mark.
  const mark = isRfc3164(options) ? markResent[options.format] : null;

  return (item, resent, maxBytes) => {
    const facts = about(item, options.severities);
    const body = (cap: number | null): string => {
      const text = format(item, cap);
      return resent && mark !== null ? mark(text) : text;
    };
    const head = header(item, facts, resent, false);
    const whole = body(null);
    if (fits(head, whole, maxBytes)) return { head, body: whole, shortened: false };
    const shorterHead = header(item, facts, resent, true);
    for (const cap of caps) {
      const shorter = body(cap);
      if (cap === 0 || fits(shorterHead, shorter, maxBytes))
        return { head: shorterHead, body: shorter, shortened: true };
    }
    throw new Error('unreachable: the last cap always returns');
  };
}

/** UTF-8 has one to three bytes a unit: what is far from the limit need not be measured. */
function fits(head: string, body: string, maxBytes: number): boolean {
  const units = head.length + body.length;
  if (units > maxBytes) return false;
  return units * 3 <= maxBytes || Buffer.byteLength(head) + Buffer.byteLength(body) <= maxBytes;
}
