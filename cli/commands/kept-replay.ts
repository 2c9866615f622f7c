import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf, PartialWriteError, WeirError } from '../../pipeline/errors.ts';
import { isRunning } from '../../pipeline/owner.ts';
import { contextOf, type Shared } from '../wire/process.ts';
import type { WiredSink } from '../wire/local.ts';

/** The flows, alerts and incidents of a replay, kept to be searched until the next replay takes their place. */
export interface KeptReplay {
  readonly sink: WiredSink;
  /** Puts them in the place of the last replay's. Resolves with why that was not done, or with null. */
  finish(): Promise<string | null>;
  /** Leaves the last replay's where they are. */
  discard(): void;
}

/**
 * Keeping is a service to who replays, never a reason to fail: what cannot be opened or written ends it, and the
 * replay goes on. Each replay builds in a directory of its own, so several may run at once.
 */
export function keepReplay(directory: string, inputs: readonly string[], shared: Shared): KeptReplay {
  const building = join(dirname(directory), `building-${process.pid}`);
  let failure: string | null = null;
  let inner: WiredSink['sink'] | null = null;

  async function open(): Promise<void> {
    removeLeftovers(dirname(directory));
    mkdirSync(building, { recursive: true, mode: 0o700 });
    const { create, options } = await import('../../store/sink.ts');
    const memoryBytes = 256 * 1024 ** 2;
    inner = create(options.parse({ dir: building, memoryBytes }), {
      ...contextOf(shared, 'kept'),
      logId: null,
    });
    await inner.start?.(new AbortController().signal);
  }

  /** The first failure ends it: a hole in the middle would be taken for silence. */
  async function attempt(work: () => Promise<void>): Promise<void> {
    if (failure !== null) return;
    try {
      await work();
    } catch (error) {
      if (error instanceof PartialWriteError) throw error;
      failure = messageOf(error);
    }
  }

  const discard = (): void => {
    if (existsSync(building)) rmSync(building, { recursive: true, force: true });
  };
  return {
    sink: {
      config: {
        name: 'kept',
        type: 'store',
        options: {},
        records: {
          flow: { where: null },
          alert: { where: null },
          incident: { where: null },
          loss: { where: null },
        },
        tenant: null,
        heartbeatMs: null,
        queue: null,
      },
      sink: {
        batch: { maxRecords: 8192, maxBytes: 8 * 1024 ** 2, maxWaitMs: 100, maxInFlight: 24 },
        start: () => attempt(open),
        write: (items, signal) => attempt(async () => inner?.write(items, signal)),
        stop: (signal) => attempt(async () => inner?.stop?.(signal)),
      },
    },
    async finish() {
      await attempt(async () => {
        writeFileSync(join(building, 'inputs.json'), JSON.stringify(inputs));
        rmSync(directory, { recursive: true, force: true });
        renameSync(building, directory);
      });
      if (failure !== null) discard();
      return failure;
    },
    discard,
  };
}

/** What the last replay read, for the head of every screen that is about it. */
export function replayedInputs(directory: string): readonly string[] {
  try {
    return JSON.parse(readFileSync(join(directory, 'inputs.json'), 'utf8')) as string[];
  } catch (error) {
    throw new WeirError(
      'not_connected',
      `no replay is kept in ${directory}: weir replay keeps the last one`,
      {
        cause: error,
      },
    );
  }
}

/** Replays that were killed leave what they were building. */
function removeLeftovers(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(directory)) {
    const owner = /^building-(\d+)$/.exec(name)?.[1];
    if (owner !== undefined && !isRunning({ pid: Number(owner), started: null }))
      rmSync(join(directory, name), { recursive: true, force: true });
  }
}
