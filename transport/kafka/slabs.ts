/** Memory that encoded records lie in until they are acknowledged, used again afterwards. */
export interface SlabPool {
  lease(): Lease;
}
export interface Lease {
  /** A slab with at least `bytes` free, and where its free part begins. */
  room(bytes: number): { readonly slab: Buffer; readonly offset: number };
  /** Bytes up to `offset` of the slab that `room` gave are taken. */
  taken(offset: number): void;
  /** The slabs may be used by others: nothing of this lease is read any more. */
  end(): void;
}

const MAX_FREE = 16;

/** Slabs of `slabBytes`; larger records get memory of their own. */
export function slabPool(slabBytes: number): SlabPool {
  const free: Buffer[] = [];
  return {
    lease() {
      const held: Buffer[] = [];
      let slab: Buffer | undefined;
      let used = 0;
      return {
        room(bytes) {
          if (bytes > slabBytes) {
            slab = Buffer.allocUnsafeSlow(bytes);
            used = 0;
          } else if (!slab || slab.length - used < bytes) {
            slab = free.pop() ?? Buffer.allocUnsafeSlow(slabBytes);
            held.push(slab);
            used = 0;
          }
          return { slab, offset: used };
        },
        taken(offset) {
          used = offset;
        },
        end() {
          while (held.length > 0 && free.length < MAX_FREE) free.push(held.pop()!);
        },
      };
    },
  };
}
