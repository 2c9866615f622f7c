/** A LEEF 2.0 parser written from IBM's description of the format; shares nothing with the sender. */

export interface Leef {
  readonly vendor: string;
  readonly product: string;
  readonly version: string;
  readonly eventId: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Throws when the text is not exactly one event. */
export function parseLeef(text: string): Leef {
  if (/[\n\r]/.test(text)) throw new Error('an event is one line');
  const fields: string[] = [];
  let at = 0;
  for (; fields.length < 6;) {
    const end = text.indexOf('|', at);
    if (end < 0) throw new Error(`header ends after ${fields.length} fields`);
    fields.push(text.slice(at, end));
    at = end + 1;
  }
  const [format, vendor, product, version, eventId, delimiter] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  if (format !== 'LEEF:2.0') throw new Error(`expected LEEF:2.0, found ${format.slice(0, 20)}`);
  const hex = /^(?:0x|x)([0-9A-Fa-f]{1,4})$/.exec(delimiter)?.[1];
  const between = hex === undefined ? delimiter : String.fromCharCode(Number.parseInt(hex, 16));
  if (between.length !== 1) throw new Error(`expected one character as delimiter, found '${delimiter}'`);
  const attributes = Object.create(null) as Record<string, string>;
  for (const part of text.slice(at).split(between)) {
    const equals = part.indexOf('=');
    if (equals < 1) throw new Error(`'${part.slice(0, 40)}' is no key with a value`);
    const key = part.slice(0, equals);
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(key)) throw new Error(`'${key}' is no key`);
    if (key in attributes) throw new Error(`key ${key} twice`);
    attributes[key] = part.slice(equals + 1);
  }
  return { vendor, product, version, eventId, attributes };
}

/** What arrives of a text: carets and control characters as visible text, lone surrogates replaced. */
export const leefExpected = (text: string): string =>
  Buffer.from(
    text.replace(
      /[\^\p{Cc}\u2028\u2029]/gu,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  ).toString();
