import { Worker } from 'node:worker_threads';
import { errorCodes, WeirError, type ErrorCode } from '../pipeline/errors.ts';
import type { Answer, Method, Methods } from './messages.ts';
import type { Options } from './options.ts';

/** The store's thread, seen from the main one. */
export interface Thread {
  call<M extends Method>(
    method: M,
    args: Methods[M]['args'],
    transfer?: ArrayBuffer[],
  ): Promise<Methods[M]['result']>;
  /** A buffer of at least so many bytes, used before where one is at hand. */
  buffer(bytes: number): ArrayBuffer;
  end(): Promise<void>;
}

const MAX_POOLED = 6;
/** Sizes are rounded up, so that a buffer fits the next write of the same kind. */
const ROUND = 1 << 20;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Starts the thread. When it dies, what waits for it and what comes later is rejected with `state_unusable`. */
export function startThread(options: Options): Thread {
  const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: options });
  const waiting = new Map<number, Waiting>();
  const pool: ArrayBuffer[] = [];
  let calls = 0;
  let death: Error | null = null;

  const die = (cause: unknown): void => {
    death ??= new WeirError('state_unusable', `the store's thread ended: ${String(cause)}`, { cause });
    for (const caller of waiting.values()) caller.reject(death);
    waiting.clear();
  };
  worker.on('error', die);
  worker.on('exit', (code) => die(`exit code ${code}`));
  worker.on('message', (answer: Answer) => {
    if ('free' in answer) {
      if (pool.length < MAX_POOLED) pool.push(answer.free);
      return;
    }
    const caller = waiting.get(answer.call);
    waiting.delete(answer.call);
    if (waiting.size === 0) worker.unref();
    if ('error' in answer) caller?.reject(errorOf(answer.error));
    else caller?.resolve(answer.result);
  });

  return {
    call: (method, args, transfer = []) =>
      new Promise((resolve, reject) => {
        if (death) return reject(death);
        const call = ++calls;
        waiting.set(call, { resolve: resolve, reject });
        worker.ref();
        worker.postMessage({ call, method, args }, transfer);
      }),
    buffer(bytes) {
      const at = pool.findIndex((buffer) => buffer.byteLength >= bytes);
      return at < 0 ? new ArrayBuffer(Math.ceil(bytes / ROUND) * ROUND) : pool.splice(at, 1)[0]!;
    },
    async end() {
      await worker.terminate();
    },
  };
}

/** An error of the other thread: its code survives, anything without one stays fatal. */
function errorOf({ code, message }: { code: string; message: string }): Error {
  return Object.hasOwn(errorCodes, code) ? new WeirError(code as ErrorCode, message) : new Error(message);
}
