/** Private blocks of RFC 1918. Shared address space (100.64/10) is none: networks of a cluster hand over to each other in it. */
const BLOCKS = [/^10\./, /^172\.(1[6-9]|2\d|3[01])\./, /^192\.168\./] as const;

const blockOf = (ip: string | null): number =>
  ip === null ? -1 : BLOCKS.findIndex((block) => block.test(ip));

/** Whether two addresses are of different private blocks: networks that somebody laid out apart, with a router between them. */
export function inDifferentBlocks(one: string | null, other: string | null): boolean {
  const first = blockOf(one);
  return first !== -1 && blockOf(other) !== -1 && first !== blockOf(other);
}
