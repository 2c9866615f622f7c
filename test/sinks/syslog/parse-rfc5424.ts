/** A strict parser of RFC 5424, written from its ABNF; shares nothing with the sender. */

export interface Rfc5424 {
  readonly facility: number;
  readonly severity: number;
  readonly timestamp: string;
  readonly hostname: string;
  readonly appName: string;
  readonly procId: string;
  readonly msgId: string;
  readonly data: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly message: string;
}

const header =
  /^<(0|[1-9]\d{0,2})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) (-|[!-~]{1,255}) (-|[!-~]{1,48}) (-|[!-~]{1,128}) (-|[!-~]{1,32}) /;

/** Throws an Error that names the column when the text is not one message. */
export function parseRfc5424(text: string): Rfc5424 {
  const [whole, pri, timestamp, hostname, appName, procId, msgId] = header.exec(text) ?? [];
  if (whole === undefined) throw new Error(`no RFC 5424 header: ${text.slice(0, 200)}`);
  let at = whole.length;
  const data: Record<string, Record<string, string>> = {};
  if (text[at] === '-') at++;
  else at = structuredData(text, at, data);
  if (at < text.length && text[at] !== ' ') throw new Error(`column ${at}: expected a space before MSG`);
  return {
    facility: Number(pri) >> 3,
    severity: Number(pri) & 7,
    timestamp: timestamp!,
    hostname: hostname!,
    appName: appName!,
    procId: procId!,
    msgId: msgId!,
    data,
    message: text.slice(at + 1),
  };
}

/** Reads SD-ELEMENTs into `out`; gives the column after them. */
export function structuredData(
  text: string,
  start: number,
  out: Record<string, Record<string, string>>,
): number {
  let at = start;
  const name = /[!#-<>-\\^-~]{1,32}/y;
  const take = (pattern: RegExp, what: string): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) throw new Error(`column ${at}: expected ${what}, found ${text.slice(at, at + 20)}`);
    at += found[0].length;
    return found[0];
  };
  while (text[at] === '[') {
    at++;
    const id = take(name, 'SD-ID');
    if (id in out) throw new Error(`SD-ID ${id} twice`);
    const params: Record<string, string> = {};
    out[id] = params;
    while (text[at] === ' ') {
      at++;
      const key = take(name, 'PARAM-NAME');
      take(/="/y, '="');
      const value = take(/(?:[^"\\\]]|\\["\\\]])*/y, 'PARAM-VALUE');
      take(/"/y, 'closing quote');
      params[key] = value.replace(/\\(["\\\]])/g, '$1');
    }
    take(/\]/y, ']');
  }
  if (at === start) throw new Error(`column ${at}: no structured data`);
  return at;
}

/** Splits a stream of octet-counted messages (RFC 5425 section 4.3); throws when the framing is broken. */
export function splitOctetCounted(stream: Buffer): { readonly messages: string[]; readonly rest: Buffer } {
  const messages: string[] = [];
  let at = 0;
  for (;;) {
    const space = stream.indexOf(0x20, at);
    if (space < 0) break;
    const digits = stream.toString('latin1', at, space);
    if (!/^[1-9]\d*$/.test(digits))
      throw new Error(`byte ${at}: expected MSG-LEN, found ${digits.slice(0, 40)}`);
    const end = space + 1 + Number(digits);
    if (end > stream.length) break;
    messages.push(stream.toString('utf8', space + 1, end));
    at = end;
  }
  return { messages, rest: stream.subarray(at) };
}
