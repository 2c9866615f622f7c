/** A CEF:0 parser written from the Implementing ArcSight CEF text; shares nothing with the sender. */

export interface Cef {
  readonly version: number;
  readonly vendor: string;
  readonly product: string;
  readonly deviceVersion: string;
  readonly classId: string;
  readonly name: string;
  readonly severity: string;
  readonly extension: Readonly<Record<string, string>>;
}

/** Throws when the text is not exactly one event. */
export function parseCef(text: string): Cef {
  if (/[\n\r]/.test(text)) throw new Error('an event is one line');
  if (!text.startsWith('CEF:')) throw new Error(`expected CEF:, found ${text.slice(0, 20)}`);
  const fields: string[] = [];
  let field = '';
  let at = 4;
  for (; fields.length < 7; at++) {
    const char = text[at];
    if (char === undefined) throw new Error(`header ends after ${fields.length} fields`);
    if (char === '\\') {
      const next = text[++at];
      if (next !== '\\' && next !== '|') throw new Error(`column ${at}: bad header escape \\${next}`);
      field += next;
    } else if (char === '|') {
      fields.push(field);
      field = '';
    } else field += char;
  }
  const [version, vendor, product, deviceVersion, classId, name, severity] = fields;
  return {
    version: Number(version),
    vendor: vendor!,
    product: product!,
    deviceVersion: deviceVersion!,
    classId: classId!,
    name: name!,
    severity: severity!,
    extension: parseExtension(text.slice(at)),
  };
}

function parseExtension(text: string): Record<string, string> {
  // A key is the word before an equals sign that is not escaped; its value reaches to the space before the next key.
  const starts: { key: string; keyAt: number; valueAt: number }[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '=') {
      const key = /(?:^| )([A-Za-z0-9_]+)$/.exec(text.slice(0, at))?.[1];
      if (key === undefined) throw new Error(`column ${at}: an equals sign without a key`);
      starts.push({ key, keyAt: at - key.length, valueAt: at + 1 });
    }
  }
  const out: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [index, { key, valueAt }] of starts.entries()) {
    const next = starts[index + 1];
    if (key in out) throw new Error(`key ${key} twice`);
    out[key] = unescapeValue(text.slice(valueAt, next ? next.keyAt - 1 : undefined));
  }
  return out;
}

function unescapeValue(text: string): string {
  let out = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char !== '\\') {
      out += char;
      continue;
    }
    const next = text[++at];
    if (next === 'n') out += '\n';
    else if (next === 'r') out += '\r';
    else if (next === '\\' || next === '=') out += next;
    else throw new Error(`bad value escape \\${next}`);
  }
  return out;
}
