/** A record as one line of JSON, with its line end: absent fields are left out, bytes are base64. */
export const jsonLine = (record: object): string => `${JSON.stringify(record, withoutAbsent)}\n`;

function withoutAbsent(_key: string, value: unknown): unknown {
  if (value === null) return undefined;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  return value;
}
