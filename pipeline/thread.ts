import { parentPort, Worker } from 'node:worker_threads';
import { errorCodes, messageOf, WeirError, type ErrorCode } from './errors.ts';

/** What a thread can be asked for: arguments and result of each method. */
export type Methods<M> = { readonly [K in keyof M]: { readonly args: unknown[]; readonly result: unknown } };

/** A thread, seen from the one that started it. */
export interface Thread<M extends Methods<M>> {
  /** Calls are begun in their order. Rejects with `state_unusable` once the thread is gone. */
  call<K extends keyof M>(
    method: K,
    args: M[K]['args'],
    transfer?: readonly ArrayBuffer[],
  ): Promise<M[K]['result']>;
  /** A buffer of at least so many bytes, used before where one is at hand. */
  buffer(bytes: number): ArrayBuffer;
  end(): Promise<void>;
}

export interface ThreadOptions {
  readonly file: URL;
  readonly data: unknown;
  /** Whose thread it is, for messages: `the store's`. */
  readonly whose: string;
}

interface Call {
  readonly call: number;
  readonly method: PropertyKey;
  readonly args: readonly unknown[];
}
type Answer =
  /** A buffer that was handed over with a call, given back. */
  | { readonly free: ArrayBuffer }
  | { readonly call: number; readonly result: unknown }
  | { readonly call: number; readonly error: PlainError };

const MAX_POOLED = 6;
/** Sizes are rounded up, so that a buffer fits the next call of the same kind. */
const ROUND = 1 << 20;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Starts a thread. When it dies, what waits for it and what comes later is rejected with `state_unusable`. */
export function startThread<M extends Methods<M>>({ file, data, whose }: ThreadOptions): Thread<M> {
  const worker = new Worker(file, { workerData: data });
  worker.unref();
  const waiting = new Map<number, Waiting>();
  const pool: ArrayBuffer[] = [];
  let calls = 0;
  let death: Error | null = null;

  const die = (cause: unknown): void => {
    death ??= new WeirError('state_unusable', `${whose} thread ended: ${String(cause)}`, { cause });
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
        waiting.set(call, { resolve, reject });
        worker.ref();
        worker.postMessage({ call, method, args } satisfies Call, transfer);
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

/** What of an error can be sent to another thread, whatever it holds besides. */
export interface PlainError {
  readonly code: string;
  readonly message: string;
  readonly stack?: string | undefined;
}

export const plainError = (error: unknown): PlainError => ({
  code: error instanceof WeirError ? error.code : '',
  message: messageOf(error),
  stack: error instanceof Error ? error.stack : undefined,
});

/** An error of the other thread: its code survives, anything without one stays fatal. */
export function errorOf({ code, message, stack }: PlainError): Error {
  const error = Object.hasOwn(errorCodes, code)
    ? new WeirError(code as ErrorCode, message)
    : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** A result whose buffers are given away with it instead of copied. */
class HandedOver<T> {
  readonly result: T;
  readonly transfer: readonly ArrayBuffer[];
  constructor(result: T, transfer: readonly ArrayBuffer[]) {
    this.result = result;
    this.transfer = transfer;
  }
}
export const handOver = <T>(result: T, transfer: readonly ArrayBuffer[]): HandedOver<T> =>
  new HandedOver(result, transfer);

type Answered<T> = T | HandedOver<T>;

export type Answers<M extends Methods<M>> = {
  readonly [K in keyof M]: (
    ...args: M[K]['args']
  ) => Promise<Answered<M[K]['result']>> | Answered<M[K]['result']>;
};

/** In the thread: answers calls. `free` gives a buffer back that came with one. */
export function answerCalls<M extends Methods<M>>(
  methods: Answers<M>,
): { free: (buffer: ArrayBuffer) => void } {
  const port = parentPort!;
  async function answer({ call, method, args }: Call): Promise<void> {
    try {
      const run = methods[method as keyof M] as (...args: readonly unknown[]) => unknown;
      const made = await run(...args);
      const { result, transfer } = made instanceof HandedOver ? made : new HandedOver(made, []);
      port.postMessage({ call, result } satisfies Answer, transfer);
    } catch (error) {
      const code = error instanceof WeirError ? error.code : '';
      const message =
        error instanceof WeirError ? error.message : ((error as Error).stack ?? messageOf(error));
      port.postMessage({ call, error: { code, message } } satisfies Answer, []);
    }
  }
  port.on('message', (call: Call) => void answer(call));
  return { free: (buffer) => port.postMessage({ free: buffer } satisfies Answer, [buffer]) };
}
