import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';

/** The program as it was compiled. */
export const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

/** A `weir` process that can be killed and started again. */
export interface WeirProcess {
  readonly name: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  start(): void;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  readonly deaths: number;
  log(): string;
}

export interface ProcessOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts it; it goes with the test. A process that ends by itself is started again, as a supervisor would. */
export function weirProcess(t: TestContext, options: ProcessOptions): WeirProcess {
  const logFile = join(options.directory, `${options.name}.log`);
  let child: ChildProcess | null = null;
  let wanted = true;
  let deaths = 0;
  const env = { ...process.env, NODE_OPTIONS: '', KAFKAJS_NO_PARTITIONER_WARNING: '1', ...options.env };

  function start(): void {
    wanted = true;
    const mine = spawn(process.execPath, [main, ...options.args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child = mine;
    const keep = (data: Buffer): void => appendFileSync(logFile, data);
    mine.stdout.on('data', keep);
    mine.stderr.on('data', keep);
    mine.on('exit', (code, signal) => {
      appendFileSync(logFile, `-- ended: ${code ?? signal}\n`);
      if (!wanted || child !== mine) return;
      deaths++;
      setTimeout(() => wanted && child === mine && start(), 500).unref();
    });
  }
  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    wanted = false;
    const mine = child;
    if (!mine || mine.exitCode !== null || mine.signalCode !== null) return mine?.exitCode ?? null;
    mine.kill(signal);
    const [code] = (await once(mine, 'exit')) as [number | null];
    return code;
  }
  t.after(() => end('SIGKILL'));
  start();
  return {
    name: options.name,
    start,
    async kill() {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
    get deaths() {
      return deaths;
    },
    log: () => {
      try {
        return readFileSync(logFile, 'utf8');
      } catch {
        return '';
      }
    },
  };
}

let ownState: string | null = null;

/** Where commands keep what they keep, so that a test run leaves the state of who runs it alone. */
function stateDir(): string {
  if (ownState !== null) return ownState;
  const made = mkdtempSync(join(tmpdir(), 'weir-state-'));
  process.on('exit', () => rmSync(made, { recursive: true, force: true }));
  return (ownState = made);
}

/** Runs a command to its end. */
export async function weir(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, NODE_OPTIONS: '', WEIR_STATE_DIR: stateDir(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (data: Buffer) => out.push(data));
  child.stderr.on('data', (data: Buffer) => err.push(data));
  // Not `exit`: what was written last is still to be read then.
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? -1, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
}
