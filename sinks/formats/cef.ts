/** Common Event Format, versions 0 and 1 (OpenText, Implementing ArcSight Common Event Format). */
import { sinkKinds } from '../base-options.ts';
import { cefMaxLength } from './event-keys.ts';
import { describe, type EventWriter } from './event.ts';
import { WeirError } from '../../pipeline/errors.ts';
import { ownFields, type OwnFields } from './field-map.ts';
import type { FormatSettings, Payload } from './payload.ts';
import { cut, plainId, visible, visibleControls } from './text.ts';
import type { Alert } from '../../schema/records.ts';

/** Field names of the extension: what every parser takes. */
const fieldName = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;

/** Headers of events are few: a class, a name and a severity make one. */
const MAX_HEADERS = 2000;

/** Version 1 adds fields of CEF 1.2 (`frameworkName`, `threatAttackID`); IPv6 is in `c6a2` and `c6a3` in both. */
export function cefPayload(settings: FormatSettings, version: 0 | 1): Payload {
  const before = `CEF:${version}|Weir|weir|${headerText(settings.version, 31)}|`;
  const own = new Map<string, OwnFields>();
  for (const kind of sinkKinds) {
    const fields = ownFields(kind, settings.fields[kind], fieldName);
    if (fields?.replaced.has('externalId'))
      throw new WeirError(
        'config_invalid',
        `fields.${kind}.externalId: it is what an event is known again by`,
      );
    if (fields) own.set(kind, fields);
  }
  const headers = new Map<string, string>();

  // One event is written at a time, into these.
  let text = '';
  let cap: number | null = null;
  let skipped: ReadonlySet<string> | null = null;

  function header(classId: string, name: string, severity: number): string {
    const place = classId + '\n' + severity;
    const known = headers.get(place);
    if (known !== undefined) return known;
    const made = `${before}${headerText(classId, limit(1023))}|${headerText(name, limit(512))}|${severity}|externalId=`;
    if (cap === null && headers.size < MAX_HEADERS && classId.length < 64) headers.set(place, made);
    return made;
  }

  const limit = (most: number): number => (cap === null ? most : Math.min(cap, most));

  const writer: EventWriter = {
    begin(event) {
      text = header(event.classId, event.name, event.severity) + valueText(event.id, 40);
    },
    text(key, value) {
      if (value === null || value === '') return;
      if (skipped !== null && skipped.has(key.cef)) return;
      text += key.cefBefore + valueText(value, limit(key.maxLength)) + key.cefAfter;
    },
    number(key, value) {
      if (value === null) return;
      if (skipped !== null && skipped.has(key.cef)) return;
      text += key.cefBefore + value + key.cefAfter;
    },
  };

  return (item, shortenTo) => {
    if (shortenTo === 0)
      return `${before}${item.kind}|Weir record|0|externalId=${plainId(item.record.id)} weirTruncated=1`;
    cap = shortenTo;
    const fields = own.size === 0 ? undefined : own.get(item.kind);
    skipped = fields?.replaced ?? null;
    describe(item, writer);
    if (version === 1 && item.kind === 'alert') text += framework(item.record as Alert);
    if (fields)
      for (const { name, label, read } of fields.added) {
        const value = read(item.record);
        if (value === null || value === '') continue;
        text += ` ${name}=${valueText(String(value), limit(cefMaxLength(name)))}`;
        if (label !== null) text += ` ${name}Label=${valueText(label, limit(1023))}`;
      }
    return shortenTo === null ? text : text + ' weirTruncated=1';
  };
}

/** CEF 1.2: the framework and the technique of it, where the alert names one. */
function framework(alert: Alert): string {
  const id = alert.attack[0]?.techniqueId ?? null;
  return id === null ? '' : ` frameworkName=MITRE ATT&CK threatAttackID=${valueText(id, 32)}`;
}

/** A header field: `\` and `|` are escaped; line breaks become spaces, other control characters visible text. */
function headerText(value: string, maxLength: number): string {
  const short = value.length > maxLength ? cut(value, maxLength) : value;
  return visibleControls(short.replace(/\r\n|[\r\n]/g, ' ')).replace(/[\\|]/g, '\\$&');
}

// oxlint-disable-next-line no-control-regex
const special = /[\\=\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
// oxlint-disable-next-line no-control-regex
const specials = /[\\=\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/**
 * An extension value: `\` and `=` are escaped, line feed and carriage return are the two-character `\n` and `\r`;
 * other control characters, for which CEF has no escape, become visible text.
 */
function valueText(value: string, maxLength: number): string {
  const short = value.length > maxLength ? cut(value, maxLength) : value;
  return special.test(short) ? short.replace(specials, escaped) : short;
}

function escaped(char: string): string {
  if (char === '\\' || char === '=') return '\\' + char;
  if (char === '\n') return '\\n';
  if (char === '\r') return '\\r';
  return '\\' + visible(char);
}
