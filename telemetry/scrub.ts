/** Keeps secrets out of logs: by the name of a field, by the look of a value, and by the secrets this process knows. */

const secretName =
  /^(?:pass(?:word|phrase)?|secret|token|bearer|api_?key|private_?key|authori[sz]ation|cookie|credentials?)$|(?:password|passphrase|secret|token|api_?key|private_?key)$/i;
const urlCredentials = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi;
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const authorization = /\b(Basic|Bearer|ApiKey|Splunk)\s+[A-Za-z0-9+/=_.~-]{8,}/g;

export const redacted = '[redacted]';

const maxDepth = 6;
const maxMembers = 100;
const maxText = 8192;

/**
 * A copy of log fields without secrets, safe to serialise: at most six levels, 100 members a level and 8192
 * characters a text. Errors become {type, message, code, stack, cause}.
 */
export function scrubber(secrets: Iterable<string>): (fields: object) => Record<string, unknown> {
  // Short values would redact unrelated text.
  const known = [...secrets].filter((secret) => secret.length >= 6).sort((a, b) => b.length - a.length);

  const text = (value: string): string => {
    let clean = value.length > maxText ? `${value.slice(0, maxText)}…` : value;
    for (const secret of known) if (clean.includes(secret)) clean = clean.replaceAll(secret, redacted);
    if (clean.includes('://')) clean = clean.replace(urlCredentials, `$1${redacted}@`);
    if (clean.includes('PRIVATE KEY')) clean = clean.replace(privateKey, redacted);
    return clean.replace(authorization, `$1 ${redacted}`);
  };

  const fieldsOf = (value: object, depth: number): Record<string, unknown> => {
    const out: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(value).slice(0, maxMembers)) {
      const secret = secretName.test(name) && member !== null && member !== undefined;
      out[name] = secret ? redacted : any(member, depth + 1);
    }
    return out;
  };

  const any = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'bigint') return value.toString();
    if (typeof value !== 'object' || value === null) return value;
    if (depth > maxDepth) return '[deeper]';
    if (value instanceof Error) {
      const { code } = value as { code?: unknown };
      return {
        type: value.name,
        message: text(value.message),
        ...(code === undefined ? {} : { code }),
        ...(value.stack === undefined ? {} : { stack: text(value.stack) }),
        ...(value.cause === undefined ? {} : { cause: any(value.cause, depth + 1) }),
      };
    }
    if (value instanceof Date) return value;
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value)) return value.slice(0, maxMembers).map((member) => any(member, depth + 1));
    if (value instanceof Map || value instanceof Set) return any([...value], depth);
    return fieldsOf(value, depth);
  };

  return (fields) => (fields instanceof Error ? { err: any(fields, 0) } : fieldsOf(fields, 0));
}
