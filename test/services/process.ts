/**
 * What every real server of the tests needs: a free port, a cache for what was downloaded, a child process that
 * never outlives the test process, and one way to skip.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** The part of node:test's context a service uses. */
export interface TestScope {
  after(fn: () => void | Promise<void>): void;
  skip(reason?: string): void;
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** `$WEIR_TEST_CACHE`, else `weir-test` in the user's cache directory. Shared by all checkouts; never emptied. */
export function cacheDir(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const dir = process.env['WEIR_TEST_CACHE'] ?? join(cache, 'weir-test');
  mkdirSync(dir, { recursive: true });
  return dir;
}

/**
 * The cached directory `name`, made by `build` when it is not there: `build` fills a temporary directory that is
 * then renamed, so a broken download is never taken for a whole one. Two processes do not build at the same time.
 */
export async function cached(name: string, build: (dir: string) => Promise<void>): Promise<string> {
  const dir = join(cacheDir(), name);
  const lock = `${dir}.lock`;
  for (;;) {
    if (existsSync(dir)) return dir;
    try {
      await mkdir(lock);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (await isStale(lock)) await rm(lock, { recursive: true, force: true });
      else await pause(250);
    }
  }
  const half = `${dir}.${process.pid}`;
  try {
    if (existsSync(dir)) return dir;
    await writeFile(join(lock, 'pid'), String(process.pid));
    await rm(half, { recursive: true, force: true });
    await mkdir(half, { recursive: true });
    await build(half);
    await rename(half, dir);
    return dir;
  } finally {
    await rm(half, { recursive: true, force: true });
    await rm(lock, { recursive: true, force: true });
  }
}

async function isStale(lock: string): Promise<boolean> {
  try {
    const pid = Number(readFileSync(join(lock, 'pid'), 'utf8'));
    return !isAlive(pid);
  } catch {
    const age = await stat(lock).then(
      (s) => Date.now() - s.mtimeMs,
      () => 0,
    );
    return age > 10_000;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Runs a command to its end; rejects with its output when it fails or takes longer than `timeoutMs`. */
export async function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string; timeoutMs?: number } & User = {},
): Promise<string> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    ...userOf(options),
    timeout: options.timeoutMs ?? 300_000,
    killSignal: 'SIGKILL',
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output.slice(-4000)}`);
  return output;
}

interface User {
  /** Run as the unprivileged user 65534 when the test runs as root: some servers refuse to run as root. */
  readonly unprivileged?: boolean;
}
const isRoot = (): boolean => process.getuid?.() === 0;
const userOf = (options: User): { uid?: number; gid?: number } =>
  options.unprivileged && isRoot() ? { uid: 65534, gid: 65534 } : {};

/** Gives a directory to the user that `unprivileged` servers run as; does nothing unless run as root. */
export async function giveToServer(...paths: readonly string[]): Promise<void> {
  if (isRoot()) await run('chown', ['-R', '65534:65534', ...paths]);
}

export interface Server {
  readonly pid: number;
  /** What it has written so far, both streams. */
  output(): string;
  readonly isRunning: () => boolean;
  /** SIGTERM to its process group, SIGKILL after `graceMs`; resolves when it is gone. Idempotent. */
  stop(graceMs?: number): Promise<void>;
  /** SIGKILL to its process group; resolves when it is gone. */
  kill(): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

/**
 * Starts a server and waits until `ready` answers true. It runs in its own process group, which is killed when
 * this process ends in whatever way. Rejects with the end of its output when it dies or takes too long.
 */
export async function startServer(options: {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** File that gets its output. */
  readonly logFile: string;
  readonly ready: () => Promise<boolean>;
  readonly timeoutMs?: number;
  readonly unprivileged?: boolean;
}): Promise<Server> {
  const fd = openSync(options.logFile, 'a');
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', fd, fd],
    detached: true,
    ...userOf(options),
  });
  closeSync(fd);
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const output = (): string => readFileSync(options.logFile, 'utf8');
  const pid = child.pid;
  if (pid === undefined) {
    await gone;
    throw new Error(`${options.name}: cannot run ${options.command}`);
  }
  const watchdog = guard(pid);
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(-pid, name);
    } catch {
      // Gone already.
    }
  };
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const kill = async (): Promise<void> => {
    signal('SIGKILL');
    await gone;
    watchdog.stdin?.destroy();
  };
  const server: Server = {
    pid,
    output,
    isRunning,
    signal,
    kill,
    async stop(graceMs = 15_000) {
      signal('SIGTERM');
      const timer = setTimeout(() => signal('SIGKILL'), graceMs);
      await gone;
      clearTimeout(timer);
      await kill();
    },
  };
  try {
    await until(options.name, options.ready, { timeoutMs: options.timeoutMs ?? 120_000, alive: isRunning });
  } catch (error) {
    await kill();
    throw new Error(`${options.name} did not start:\n${output().slice(-4000)}`, { cause: error });
  }
  return server;
}

/** A shell that reads a pipe of this process and kills the group once the pipe ends, which no kind of death prevents. */
function guard(pid: number): ChildProcess {
  const watchdog = spawn('/bin/sh', ['-c', `cat >/dev/null; kill -9 -${pid} 2>/dev/null`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.on('error', () => {});
  watchdog.unref();
  (watchdog.stdin as { unref?: () => void } | null)?.unref?.();
  return watchdog;
}

/** Asks `check` until it answers true. A rejection of it counts as false. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  options: { timeoutMs?: number; everyMs?: number; alive?: () => boolean } = {},
): Promise<void> {
  const deadline = Date.now() + (options.timeoutMs ?? 30_000);
  for (;;) {
    const yes = await Promise.resolve()
      .then(check)
      .catch(() => false);
    if (yes) return;
    if (options.alive && !options.alive()) throw new Error(`${what}: the process ended`);
    if (Date.now() > deadline) throw new Error(`${what}: not within ${options.timeoutMs ?? 30_000} ms`);
    await pause(options.everyMs ?? 100);
  }
}

/** An empty directory that is removed when the file of tests ends: whoever writes to it is gone by then. */
export async function workDir(name: string): Promise<string> {
  const dir = join(tmpdir(), `weir-${name}-${process.pid}-${Math.random().toString(36).slice(2, 10)}`);
  await mkdir(dir, { recursive: true });
  process.on('exit', () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

/** Skips the test by name with the reason; in CI a test that cannot run is a failure. */
export function skipOrFail(t: Pick<TestScope, 'skip'>, reason: string): null {
  if (process.env['CI'] === 'true') throw new Error(`cannot be skipped in CI: ${reason}`);
  t.skip(reason);
  return null;
}

/** Whether a Docker daemon could answer. */
export function mayHaveDocker(): boolean {
  return process.env['DOCKER_HOST'] !== undefined || existsSync('/var/run/docker.sock');
}
