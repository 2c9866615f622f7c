import { stdout } from 'node:process';
import type { Writable } from 'node:stream';
import type { Context, Delivery, Sink } from '../../pipeline/contracts.ts';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import { toJson } from '../records/json.ts';
import { toLine } from '../records/text.ts';
import type { Options } from './options.ts';

/**
 * Writes one line per record. Once nobody reads any more (EPIPE, as after `| head`) it says so and takes
 * records without writing them: a closed terminal must hold up nothing else.
 */
export function create(options: Options, context: Context, stream: Writable = stdout): Sink {
  const render =
    options.format === 'text'
      ? (item: Delivery) => toLine(item.kind, item.record)
      : (item: Delivery) => toJson(item.kind, item.record);
  const unread = context.meter.counter('stdout_unread_total', 'Records nobody was there to read.');
  let closed = false;

  function close(error: Error): void {
    if (closed) return;
    closed = true;
    context.log.info({ sink: context.name, error: messageOf(error) }, 'nobody reads the output any more');
  }
  const onError = (error: Error): void => {
    if (isHangUp(error)) close(error);
  };

  return {
    batch: { maxRecords: 1000, maxWaitMs: 50 },
    start() {
      stream.on('error', onError);
      return Promise.resolve();
    },
    stop() {
      // The listener stays: an error that arrives late must not end the process.
      return Promise.resolve();
    },
    async write(items, signal) {
      signal.throwIfAborted();
      if (!closed && stream.writable) {
        let text = '';
        for (const item of items) text += render(item) + '\n';
        const error = await new Promise<Error | null | undefined>((resolve) => stream.write(text, resolve));
        if (!error) return;
        if (!isHangUp(error))
          throw new WeirError('sink_unavailable', `cannot write to standard output: ${error.message}`, {
            cause: error,
          });
        close(error);
      }
      unread.add(items.length);
    },
  };
}

const HANG_UPS = ['EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END', 'ECONNRESET'];
const isHangUp = (error: Error): boolean => HANG_UPS.includes((error as NodeJS.ErrnoException).code ?? '');
