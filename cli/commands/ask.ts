import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { WeirError } from '../../pipeline/errors.ts';
import { isStore, openStore } from '../../store/index.ts';
import { connect } from '../api/client.ts';
import { storeForensics, type Forensics, type Running } from '../api/forensics.ts';
import type { Config } from '../config/index.ts';
import { colours, wantsColour, type Colours } from '../format/colours.ts';
import { roles } from '../config/index.ts';
import { socketPath } from '../wire/state.ts';
import { safeText } from '../format/text.ts';
import { replayedInputs } from './kept-replay.ts';
import { configPath, lastReplayDir, stateDirs } from './places.ts';
import { UsageError, type World } from './command.ts';

/** Who answers, and what a person has to be told about it. */
export interface Answering<T> {
  readonly from: T;
  /** `DEMO`, for every screen of the demo cluster, or what was replayed; empty otherwise. */
  readonly banner: string;
  /** The last replay answers: its flows may be of any time. */
  readonly replayed: boolean;
  close(): Promise<void>;
}

/** Sockets a configuration's processes may answer on: of all in one, and of each role. */
const socketsOf = ({ state, listen }: Config): string[] => [
  socketPath(state.dir, listen.api?.unix ?? null),
  ...['all', ...roles].map((role) => socketPath(join(state.dir, role), null)),
];

/** Every process that answers now. */
export async function runningProcesses(
  asked: string | undefined,
  world: World,
): Promise<Answering<readonly Running[]>> {
  for (const { config, demo } of stateDirs(asked, world.env)) {
    const found: Running[] = [];
    for (const path of socketsOf(config)) {
      const running = existsSync(path) ? await connect(path) : null;
      if (running) found.push(running);
    }
    if (found.length > 0) return { from: found, banner: bannerOf(demo, world), replayed: false, close };
  }
  const places = stateDirs(asked, world.env).map(({ config }) => config.state.dir);
  throw new WeirError(
    'not_connected',
    `no running weir answers in ${places.join(' or ')}: start it with weir run`,
  );
}

/** Which store a question is for: the last replay's where `replayed` says so, else that of a configuration. */
export interface Asked {
  readonly config?: string | undefined;
  readonly replayed?: boolean | undefined;
}

export const askedOptions = { config: { type: 'string' }, replayed: { type: 'boolean' } } as const;

export const askedUsage = `  --replayed        what the last weir replay read, not the running weir
  --config FILE     the configuration of the weir that is asked`;

/** The process that has the store, else the store itself, else the last replay's. */
export async function forensics(
  { config: asked, replayed = false }: Asked,
  world: World,
): Promise<Answering<Forensics>> {
  if (replayed) return lastReplay(world);
  const candidates = stateDirs(asked, world.env);
  for (const { config, demo } of candidates)
    for (const path of socketsOf(config)) {
      const running = existsSync(path) ? await connect(path) : null;
      if (running && (await hasStore(running)))
        return { from: running, banner: bannerOf(demo, world), replayed: false, close };
    }
  const kept = lastReplayDir(world.env);
  for (const { config, demo } of candidates) {
    const sink = config.sinks.find(({ type }) => type === 'store');
    const dir = (sink?.options as { dir?: string } | undefined)?.dir ?? join(config.state.dir, 'store');
    if (!isStore(dir)) continue;
    // The demo that ran before a replay is not what is meant after it.
    if (demo && isNewer(kept, dir)) return lastReplay(world);
    const store = await openStore({ dir });
    return {
      from: storeForensics(store),
      banner: bannerOf(demo, world),
      replayed: false,
      close: () => store.close(),
    };
  }
  if (configPath(asked, world.env) === null && isStore(kept)) return lastReplay(world);
  const places = candidates.map(({ config }) => join(config.state.dir, 'store'));
  throw new WeirError(
    'not_connected',
    `there is no store in ${places.join(' or ')}: run weir with a sink of type store first` +
      (isStore(kept) ? ', or ask the last replay with --replayed' : ''),
  );
}

const close = async (): Promise<void> => {};

async function lastReplay(world: World): Promise<Answering<Forensics>> {
  const dir = lastReplayDir(world.env);
  const inputs = replayedInputs(dir).map((input) => (input === '-' ? 'standard input' : input));
  const store = await openStore({ dir });
  return {
    from: storeForensics(store),
    banner: paintOf(world).bold(`Replay of ${safeText(inputs.join(', '))}`),
    replayed: true,
    close: () => store.close(),
  };
}

const isNewer = (dir: string, other: string): boolean =>
  isStore(dir) && statSync(dir).mtimeMs > statSync(other).mtimeMs;

async function hasStore(running: Running): Promise<boolean> {
  const { sinks } = await running.status();
  return sinks.some(({ type }) => type === 'store');
}

const bannerOf = (demo: boolean, world: World): string =>
  demo ? paintOf(world).bold(paintOf(world).yellow('DEMO')) : '';

export const paintOf = (world: World): Colours => colours(wantsColour(world.stdout, world.env));

export const formats = ['table', 'json', 'csv'] as const;
/** Of what has no rows of one shape. */
export const treeFormats = ['table', 'json'] as const;
export type Format = (typeof formats)[number];

/** `--format`, of those a command knows. */
export function formatOf<F extends Format>(text: string | undefined, known: readonly F[]): F | 'table' {
  if (text === undefined) return 'table';
  const format = known.find((each) => each === text);
  if (format === undefined)
    throw new UsageError(`there is no format '${text}' here: expected ${known.join(', ')}`);
  return format;
}

/** `--limit` as a number; `fallback` when it is not given. */
export function limitOf<T>(text: string | undefined, fallback: T): number | T {
  if (text === undefined) return fallback;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1)
    throw new UsageError(`--limit ${text}: expected a whole number of at least 1`);
  return limit;
}

/** Width to fit tables into; null when the output is no terminal. */
export const widthOf = (world: World): number | null =>
  world.stdout.isTTY ? (world.stdout.columns ?? 120) : null;

/** Ends quietly when the reader of the output has seen enough. */
export async function print(world: World, text: string): Promise<void> {
  if (!world.stdout.write(text)) await new Promise<void>((resolve) => world.stdout.once('drain', resolve));
}
