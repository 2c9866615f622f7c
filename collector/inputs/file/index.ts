import { constants } from 'node:fs';
import { access, open, type FileHandle } from 'node:fs/promises';
import type { Input, LineBatch } from '../../../pipeline/contracts.ts';
import { WeirError } from '../../../pipeline/errors.ts';
import { parseDuration } from '../../../pipeline/units.ts';
import type { InputContext } from '../context.ts';
import { identityLength, identityOf } from '../lines/identity.ts';
import { unreadable } from './access.ts';
import { claims, type From } from './claims.ts';
import { matchesGlob } from './glob.ts';
import { readHead } from './head.ts';
import { factsOf, listFiles, type Listed } from './list.ts';
import type { Options } from './options.ts';
import { byAge, sequenceOf } from './order.ts';
import { openOrigin, type OpenOrigin } from './origin.ts';
import { reports } from './reports.ts';
import { heads, leastRead } from './turns.ts';

/** Small enough that the flows of the chunks under way are gone before the young generation is collected. */
const CHUNK_BYTES = 256 * 1024;
const MAX_COMPLAINTS = 10_000;
/** How often it is told that files that were read are still there; cursors are kept for days without that. */
const KEEP_EVERY_MS = 3_600_000;

interface Fresh {
  readonly file: Listed;
  readonly handle: FileHandle;
  readonly hash: string;
  readonly head: Buffer;
  /** Where `head` begins. */
  readonly headAt: number;
  readonly gzip: boolean;
}

/**
 * Reads files, follows them through rotation, and reads compressed history. README.md says what makes the
 * identity of a file and what rotation can lose.
 */
export function create(options: Options, context: InputContext): Input {
  const { clock, log, follow } = context;
  const { loss, nothingOf, expired } = reports(context);
  const patterns = typeof options.path === 'string' ? [options.path] : options.path;
  const opened = new Map<string, OpenOrigin>();
  const origins = claims();
  /** Files that were looked at and left, with the size and time they had then, and what they hold. */
  const settled = new Map<string, { readonly stamp: string; readonly origin: string }>();
  let keptMs = clock.now();
  const complained = new Set<string>();
  const errors = context.meter.counter('input_errors', 'Files or directories that could not be read.', [
    'code',
  ]);
  const replaced = context.meter.counter('input_lines_replaced', 'Lines with bytes that are no UTF-8.');
  let firstScan = true;
  let stopped = false;
  /** A file was rotated while it was looked at, so that the next look finds more. */
  let missed = false;
  /** History that `startAt` left out, of which the next start must know that it is not new. */
  const leftOut: { readonly origin: string; readonly path: string }[] = [];

  const complain = (path: string, error: unknown): void => {
    const failure = error instanceof WeirError ? error : unreadable(path, error);
    errors.add(1, { code: (error as NodeJS.ErrnoException).code ?? failure.code });
    if (complained.has(path) || complained.size >= MAX_COMPLAINTS) return;
    complained.add(path);
    log.warn({ path, error: failure.message }, 'file cannot be read');
  };

  /** Where to begin a file that no run has read; null leaves it out. */
  async function begin({ file, handle, gzip }: Fresh, firstRun: boolean): Promise<number | null> {
    if (!follow || !firstRun || options.startAt === 'beginning') return 0;
    if (options.startAt !== 'end' && file.mtimeMs >= clock.now() - (parseDuration(options.startAt) ?? 0))
      return 0;
    return gzip ? null : await lastLineEnd(handle, file.size, options.maxLineBytes);
  }

  async function look(file: Listed): Promise<Fresh | null> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(file.path, constants.O_RDONLY | constants.O_NONBLOCK);
      // Between the listing and the opening the log may have been rotated: then this is another file, whose
      // content must not go by the listed one's key. The next listing tells both.
      const now = factsOf(await handle.stat({ bigint: true }));
      if (now.key !== file.key) missed = true;
      else {
        const { gzip, bytes, at } = await readHead(handle);
        const hash = identityOf(bytes, gzip || !follow);
        complained.delete(file.path);
        if (hash !== null) {
          const head = Buffer.from(bytes.subarray(0, identityLength(bytes) ?? bytes.length));
          return { file: { path: file.path, ...now }, handle, hash, head, headAt: at, gzip };
        }
      }
    } catch (error) {
      complain(file.path, error);
    }
    await handle?.close();
    return null;
  }

  /** Notes what became of the open files; those that were truncated are closed. */
  async function revisit(present: ReadonlyMap<string, Listed>): Promise<void> {
    const nowMs = clock.now();
    for (const file of opened.values()) {
      const listed = present.get(file.key);
      const now = listed ?? (await file.stat());
      const changed = now.size !== file.size || now.mtimeMs !== file.mtimeMs;
      if (changed && !file.gzip && (now.size < file.offset() || (await file.rewritten()))) {
        const orphan = {
          origin: file.origin,
          path: file.path,
          position: file.position(),
          size: file.size,
          sinceMs: nowMs,
        };
        log.info({ path: file.path, origin: file.origin, position: orphan.position }, 'file was truncated');
        origins.truncated(file.key, orphan);
        opened.delete(file.key);
        settled.clear();
        await file.close();
        continue;
      }
      if (!listed || listed.path !== file.path) file.rotatedMs ??= nowMs;
      if (changed && file.rotatedMs !== null) file.rotatedMs = nowMs;
      file.path = listed?.path ?? file.path;
      file.size = now.size;
      file.mtimeMs = now.mtimeMs;
    }
  }

  async function scan(from: From): Promise<void> {
    missed = false;
    const present = new Map(
      (await listFiles(patterns, options.exclude, complainUnlessMissing)).map((file) => [file.key, file]),
    );
    await revisit(present);
    for (const key of settled.keys()) if (!present.has(key)) settled.delete(key);
    origins.gone((key) => present.has(key));

    if (clock.now() - keptMs >= KEEP_EVERY_MS) {
      keptMs = clock.now();
      for (const { origin } of settled.values()) context.stillThere?.(origin);
    }

    const fresh: Fresh[] = [];
    for (const file of present.values()) {
      if (opened.has(file.key) || settled.get(file.key)?.stamp === stamp(file)) continue;
      if (opened.size + fresh.length >= options.maxFiles) {
        complain(
          file.path,
          new WeirError(
            'origin_unreadable',
            `${file.path}: waits, ${options.maxFiles} files are open (maxFiles)`,
          ),
        );
        break;
      }
      const seen = await look(file);
      if (seen) fresh.push(seen);
    }
    const known = firstScan ? [...(context.known?.() ?? [])] : [];
    const firstRun = firstScan && known.length === 0 && !fresh.some(({ hash }) => from(hash) !== undefined);
    fresh.sort(
      (a, b) => byAge(sequenceOf(a.file.path), sequenceOf(b.file.path)) || a.file.mtimeMs - b.file.mtimeMs,
    );
    for (const seen of fresh) {
      const { file, handle, hash, head, headAt, gzip } = seen;
      const isOpen = (origin: string): boolean =>
        [...opened.values()].some((other) => other.origin === origin);
      const claim = origins.claim(hash, { key: file.key, size: gzip ? null : file.size, isOpen }, from);
      const start = claim.done ? null : (claim.from ?? (await begin(seen, firstRun)));
      if (start === null) {
        settled.set(file.key, { stamp: stamp(file), origin: claim.origin });
        if (claim.done) context.stillThere?.(claim.origin);
        else leftOut.push({ origin: claim.origin, path: file.path });
        await handle.close();
        continue;
      }
      const { maxLineBytes, wrapper } = options;
      const origin = claim.origin;
      const file_ = openOrigin({
        ...file,
        origin,
        withHeader: claim.from === null && start > 0,
        handle,
        head,
        headAt,
        gzip,
        from: start,
        maxLineBytes,
        wrapper,
        replaced: () => replaced.add(1),
      });
      // A file with the name of a rotated one is history, unless it goes on growing.
      if (sequenceOf(file.path).age > 0) file_.rotatedMs = clock.now();
      opened.set(file.key, file_);
      log.info({ path: file.path, origin, from: start }, 'file opened');
    }
    if (firstScan && follow) {
      for (const [origin, cursor] of known) {
        const path = cursor.hints?.['path'];
        if (typeof path !== 'string' || cursor.hints?.['final'] === true || origins.isClosed(origin))
          continue;
        if ([...opened.values()].some((file) => file.origin === origin)) continue;
        if (!patterns.some((pattern) => matchesGlob(pattern, path))) continue;
        origins.orphaned({ origin, path, position: cursor.position, size: null, sinceMs: clock.now() });
      }
    }
    firstScan = false;
  }

  const complainUnlessMissing = (path: string, error: unknown): void => {
    if (!follow || (error as NodeJS.ErrnoException).code !== 'ENOENT') complain(path, error);
  };

  async function close(file: OpenOrigin, final: boolean): Promise<void> {
    opened.delete(file.key);
    origins.closed(file.origin, file.position(), final);
    if (final) settled.set(file.key, { stamp: stamp(file), origin: file.origin });
    await file.close();
  }

  /** One chunk of a file, or the news that there is none; null when there is nothing to say. */
  async function step(file: OpenOrigin, buffer: Buffer): Promise<LineBatch | null> {
    let bytesRead: number;
    try {
      bytesRead = await file.advance(buffer);
    } catch (error) {
      return await failed(file, error);
    }
    const nowMs = clock.now();
    if (bytesRead > 0) {
      file.lastBatchMs = nowMs;
      return file.batch({ atEnd: !file.gzip && bytesRead < buffer.length, final: false });
    }
    const final =
      !follow || file.gzip || (file.rotatedMs !== null && nowMs - file.rotatedMs >= options.rotatedGrace);
    if (!final && nowMs - file.lastBatchMs < options.heartbeatInterval) return null;
    file.lastBatchMs = nowMs;
    const batch = file.batch({ atEnd: true, final });
    if (final) await close(file, true);
    return batch;
  }

  /** A compressed file that ends early may still be written; a damaged one is given up where it is damaged. */
  async function failed(file: OpenOrigin, error: unknown): Promise<LineBatch | null> {
    const code = String((error as NodeJS.ErrnoException).code);
    complain(file.path, error);
    if (!code.startsWith('Z_') || (follow && clock.now() - file.mtimeMs < options.rotatedGrace)) {
      await close(file, false);
      return null;
    }
    const at = file.offset();
    const detail = `${file.path}: damaged gzip data (${code}); nothing after byte ${at} of its content can be read`;
    const batch = file.batch({
      atEnd: true,
      final: true,
      losses: [loss(file.origin, 'malformed', at, null, detail)],
    });
    await close(file, true);
    return batch;
  }

  async function* read(from: From, signal: AbortSignal): AsyncGenerator<LineBatch, void, undefined> {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let nextScanMs = -Infinity;
    while (!signal.aborted && !stopped) {
      if (clock.now() >= nextScanMs || (!follow && opened.size === 0)) {
        const lookedMs = clock.now();
        await scan(from);
        nextScanMs = clock.now() + options.pollInterval;
        // As of when the files were listed: a copy made since then is still to be found.
        for (const orphan of origins.expire(lookedMs - options.rotatedGrace)) yield expired(orphan);
        for (const { origin, path } of leftOut.splice(0)) yield nothingOf(origin, path);
        if (!follow && opened.size === 0) {
          if (!missed) return;
          continue;
        }
      }
      const turn = follow ? [...opened.values()] : heads([...opened.values()]);
      if (!follow) turn.splice(0, turn.length, leastRead(turn)!);
      let progressed = false;
      for (const file of turn) {
        if (signal.aborted || stopped) return;
        const batch = await step(file, buffer);
        if (!batch) continue;
        progressed ||= !batch.atEnd || !follow;
        yield batch;
      }
      if (!progressed && follow) await clock.sleep(Math.max(1, nextScanMs - clock.now()), signal);
    }
  }

  return {
    async start() {
      const found = await listFiles(patterns, options.exclude, complainUnlessMissing);
      if (found.length === 0 && !follow)
        throw new WeirError('origin_unreadable', `no file matches ${patterns.join(', ')}`);
      const refused: unknown[] = [];
      for (const { path } of found) {
        await access(path, constants.R_OK).catch((error: unknown) => refused.push(unreadable(path, error)));
      }
      if (refused.length > 0 && (refused.length === found.length || !follow)) throw refused[0];
      if (found.length === 0) log.info({ patterns }, 'no file matches yet');
    },
    read,
    async stop() {
      stopped = true;
      const files = [...opened.values()];
      opened.clear();
      for (const file of files) await file.close();
    },
  };
}

const stamp = (file: { readonly size: number; readonly mtimeMs: number }): string =>
  `${file.size}:${file.mtimeMs}`;

/** End of the last complete line before `size`, looked for within `reach` bytes. */
async function lastLineEnd(handle: FileHandle, size: number, reach: number): Promise<number> {
  const length = Math.min(size, reach);
  const tail = Buffer.alloc(length);
  const { bytesRead } = await handle.read(tail, 0, length, size - length);
  const newline = tail.subarray(0, bytesRead).lastIndexOf(10);
  if (newline >= 0) return size - length + newline + 1;
  return length === size ? 0 : size;
}
