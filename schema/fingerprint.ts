/**
 * CRC-64-AVRO, the Rabin fingerprint of the Avro specification ("Schema Fingerprints"), as used in the
 * single-object encoding.
 */
const EMPTY = 0xc15d213aa4d7a795n;

const table: bigint[] = [];
for (let i = 0n; i < 256n; i++) {
  let fp = i;
  for (let j = 0; j < 8; j++) fp = (fp >> 1n) ^ (EMPTY & -(fp & 1n));
  table.push(BigInt.asUintN(64, fp));
}

/** 8 bytes, little-endian, of the given parsing canonical form. */
export function fingerprint64(canonical: string): Buffer {
  let fp = EMPTY;
  for (const byte of Buffer.from(canonical)) fp = (fp >> 8n) ^ table[Number((fp ^ BigInt(byte)) & 0xffn)]!;
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt.asUintN(64, fp));
  return out;
}
