/**
 * Log Event Extended Format 2.0 (IBM QRadar). It has no escapes: the delimiter is a caret, and what would end a
 * field of the header, an attribute or the line stands as visible text, `\u005e` for a caret.
 */
import { sinkKinds } from '../base-options.ts';
import { describe, type EventWriter } from './event.ts';
import { ownFields, type OwnFields } from './field-map.ts';
import type { FormatSettings, Payload } from './payload.ts';
import { cut, plainId, visible } from './text.ts';

const fieldName = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;

/** Tab, the default, is a control character, which relays write as `#011`. */
const DELIMITER = '^';
const MAX_VALUE = 4000;

export function leefPayload(settings: FormatSettings): Payload {
  const before = `LEEF:2.0|Weir|weir|${headerText(settings.version, 31)}|`;
  const own = new Map<string, OwnFields>();
  for (const kind of sinkKinds) {
    const fields = ownFields(kind, settings.fields[kind], fieldName);
    if (fields) own.set(kind, fields);
  }

  // One event is written at a time, into these.
  let text = '';
  let cap = MAX_VALUE;
  let skipped: ReadonlySet<string> | null = null;

  const put = (name: string, value: string): void => {
    if (skipped === null || !skipped.has(name)) text += DELIMITER + name + '=' + value;
  };
  const writer: EventWriter = {
    begin(event) {
      // The severity of LEEF is 1 to 10; it has no field for the name, so that is an attribute.
      text = `${before}${headerText(event.classId, 255)}|${DELIMITER}|externalId=${valueText(event.id, 40)}`;
      put('devTime', String(event.timeMs));
      put('sev', String(Math.max(1, event.severity)));
      put('name', valueText(event.name, cap));
    },
    text(key, value) {
      if (value !== null && value !== '') put(key.leef, valueText(value, cap));
    },
    number(key, value) {
      if (value !== null) put(key.leef, String(value));
    },
  };

  return (item, shortenTo) => {
    if (shortenTo === 0)
      return `${before}${item.kind}|${DELIMITER}|externalId=${plainId(item.record.id)}${DELIMITER}truncated=1`;
    cap = shortenTo ?? MAX_VALUE;
    const fields = own.get(item.kind);
    skipped = fields?.replaced ?? null;
    describe(item, writer);
    if (fields)
      for (const { name, read } of fields.added) {
        const value = read(item.record);
        if (value !== null && value !== '') text += `${DELIMITER}${name}=${valueText(String(value), cap)}`;
      }
    return shortenTo === null ? text : `${text}${DELIMITER}truncated=1`;
  };
}

// oxlint-disable-next-line no-control-regex
const special = /[\^\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
// oxlint-disable-next-line no-control-regex
const specials = /[\^\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

function valueText(value: string, maxLength: number): string {
  const short = value.length > maxLength ? cut(value, maxLength) : value;
  return special.test(short) ? short.replace(specials, visible) : short;
}

const headerText = (value: string, maxLength: number): string =>
  valueText(value, maxLength).replaceAll('|', '\\u007c');
