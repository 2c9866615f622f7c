import type { LineBatch } from '../../../pipeline/contracts.ts';
import { collectLines, type WrapperName } from './collect.ts';
import { splitter } from './split.ts';

export interface StreamOptions {
  readonly origin: string;
  readonly place: string;
  readonly wrapper: WrapperName;
  readonly maxLineBytes: number;
  /** Lines that begin before it were read by an earlier run, and are left out. */
  readonly from: number;
  readonly replaced: () => void;
}

/** Batches of a stream that cannot be read twice, such as a pipe; the last one is `final`. */
export async function* batchesOf(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  options: StreamOptions,
): AsyncGenerator<LineBatch, void, undefined> {
  const { origin, place, from } = options;
  const split = splitter(options.maxLineBytes);
  const lines = collectLines({ ...options, place: () => place });
  const batch = (final: boolean): LineBatch => {
    const taken = lines.take();
    return {
      origin,
      place,
      lines: from > 0 ? taken.lines.filter((line) => line.position >= from) : taken.lines,
      rejects: from > 0 ? taken.rejects.filter((reject) => reject.position >= from) : taken.rejects,
      losses: [],
      next: lines.heldFrom() ?? split.position(),
      atEnd: final,
      final,
    };
  };
  for await (const chunk of chunks) {
    split.push(chunk, lines);
    yield batch(false);
  }
  split.end(lines);
  lines.end();
  yield batch(true);
}
