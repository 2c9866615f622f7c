import type { Readable } from 'node:stream';
import type { Input } from '../../../pipeline/contracts.ts';
import type { InputContext } from '../context.ts';
import { holeLength, identityOf } from '../lines/identity.ts';
import { batchesOf } from '../lines/stream.ts';
import type { Options } from './options.ts';

/**
 * Reads standard input to its end. Its origin is made from the content, as a file's is, so that a log that is
 * piped in gives the ids it has when it is read as a file.
 */
export function create(options: Options, context: InputContext & { readonly stdin?: Readable }): Input {
  const replaced = context.meter.counter('input_lines_replaced', 'Lines with bytes that are no UTF-8.');
  const stream = context.stdin ?? process.stdin;
  return {
    async *read(from, signal) {
      const stop = (): void => void stream.destroy();
      signal.addEventListener('abort', stop, { once: true });
      try {
        const head: Buffer[] = [];
        let origin: string | null = null;
        const source = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
        let ended = false;
        while (origin === null && !ended) {
          const { value, done } = await source.next();
          if (done === true) ended = true;
          else head.push(Buffer.from(value));
          const bytes = Buffer.concat(head);
          head.splice(0, head.length, bytes);
          origin = identityOf(bytes.subarray(holeLength(bytes)), ended);
        }
        if (origin === null) return;
        const { maxLineBytes, wrapper } = options;
        const rest: AsyncIterable<Buffer> = { [Symbol.asyncIterator]: () => source };
        yield* batchesOf(joined(head, ended ? [] : rest), {
          origin,
          place: 'standard input',
          wrapper,
          maxLineBytes,
          from: from(origin)?.position ?? 0,
          replaced: () => replaced.add(1),
        });
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
    stop() {
      stream.destroy();
      return Promise.resolve();
    },
  };
}

async function* joined(
  first: readonly Buffer[],
  rest: AsyncIterable<Buffer> | readonly Buffer[],
): AsyncGenerator<Buffer, void, undefined> {
  yield* first;
  for await (const chunk of rest) yield Buffer.from(chunk);
}
