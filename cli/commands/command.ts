import type { Clock } from '../../pipeline/contracts.ts';

/** Exit codes every command keeps to. */
export const exit = { fine: 0, failed: 1, usage: 2, finding: 3, notConnected: 4, partly: 5 } as const;

/** What a command may touch of the world. */
export interface World {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly clock: Clock;
  /** Aborted by SIGINT and SIGTERM. */
  readonly stop: AbortSignal;
}

export interface Command {
  readonly summary: string;
  /** Shown by `weir help COMMAND`. */
  readonly usage: string;
  run(args: readonly string[], world: World): Promise<number>;
}

/** Wrong use of a command: the message is shown with the usage, and the exit code is 2. */
export class UsageError extends Error {}
