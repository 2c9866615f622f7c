import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Input, LineBatch, OriginCursor, Reject, Line } from '../../../pipeline/contracts.ts';
import { WeirError } from '../../../pipeline/errors.ts';
import { formatDuration, parseDuration } from '../../../pipeline/units.ts';
import type { InputContext } from '../context.ts';
import { create as createFile } from '../file/index.ts';
import { options as fileOptions } from '../file/options.ts';
import { parseJournal, sequenceOfCursor } from '../lines/journal.ts';
import { splitter } from '../lines/split.ts';
import { create as createStdin } from '../stdin/index.ts';
import type { Options } from './options.ts';

type Child = ChildProcessByStdio<null, Readable, Readable>;

const ORIGIN = 'journal-';
const MAX_PAYLOAD = 1024 * 1024;

/**
 * Entries of the systemd journal, through `journalctl`. The origin is the journal's sequence id and the
 * position an entry's number in it, so that reading goes on at any entry, whichever line was settled last.
 */
export function create(options: Options, context: InputContext): Input {
  const { maxLineBytes, startAt } = options;
  if (options.stdin) return createStdin({ wrapper: 'journald', maxLineBytes }, context);
  if (options.path !== undefined) {
    return createFile(
      fileOptions.parse({ path: options.path, startAt, wrapper: 'journald', maxLineBytes }),
      context,
    );
  }
  return fromJournalctl(options, context);
}

function fromJournalctl(options: Options, context: InputContext): Input {
  const { clock, follow } = context;
  const replaced = context.meter.counter('input_lines_replaced', 'Lines with bytes that are no UTF-8.');
  let child: Child | undefined;

  const selection = [
    ...options.units.map((unit) => `--unit=${unit}`),
    ...options.identifiers.map((identifier) => `--identifier=${identifier}`),
    ...(options.kernel ? ['--dmesg'] : []),
    ...(options.directory === undefined ? [] : [`--directory=${options.directory}`]),
  ];

  const launch = (args: readonly string[]): Child =>
    spawn(options.command, ['--output=json', '--all', '--no-pager', '--quiet', ...selection, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  /** Sequence id of the journal as it is now; null when it has no entry. */
  async function current(): Promise<string | null> {
    const { stdout } = await output(launch(['--lines=1']), options.command);
    const cursor = parseJournal(stdout.trim().split('\n').at(-1) ?? '')?.cursor;
    return cursor === undefined || cursor === null ? null : (sequenceOfCursor(cursor)?.id ?? null);
  }

  function startArguments(id: string | null, from: (origin: string) => OriginCursor | undefined): string[] {
    const cursor = id === null ? undefined : from(ORIGIN + id);
    if (cursor) return [`--cursor=s=${id};i=${cursor.position.toString(16)}`];
    for (const [origin, known] of context.known?.() ?? []) {
      const last = known.hints?.['cursor'];
      // The journal was begun anew: its predecessor's last entry still tells the time to go on from.
      if (origin.startsWith(ORIGIN) && typeof last === 'string') return [`--after-cursor=${last}`];
    }
    if (!follow || startAtOf(options) === 'beginning') return [];
    if (startAtOf(options) === 'end') return ['--lines=0'];
    return [`--since=-${formatDuration(parseDuration(options.startAt) ?? 0)}`];
  }

  async function* read(
    from: (origin: string) => OriginCursor | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<LineBatch, void, undefined> {
    const id = await current();
    child = launch([...startArguments(id, from), ...(follow ? ['--follow'] : [])]);
    const running = child;
    const failed = complaintOf(running, options.command);
    const stop = (): void => void running.kill();
    signal.addEventListener('abort', stop, { once: true });
    let origin = ORIGIN + (id ?? 'unknown');
    let next = from(origin)?.position ?? 0;
    let cursor: string | null = null;
    let lines: Line[] = [];
    let rejects: Reject[] = [];
    const split = splitter(options.maxLineBytes);
    const batch = (atEnd: boolean, final: boolean): LineBatch => {
      const made = {
        origin,
        place: 'systemd journal',
        lines,
        rejects,
        losses: [],
        next,
        atEnd,
        final,
        hints: { cursor },
      };
      lines = [];
      rejects = [];
      return made;
    };
    const source = (running.stdout as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
    const pending: LineBatch[] = [];
    const sink = {
      line(_offset: number, text: string, valid: boolean): void {
        if (!valid) replaced.add(1);
        const entry = parseJournal(text);
        const sequence = entry?.cursor ? sequenceOfCursor(entry.cursor) : null;
        if (!entry || !sequence) {
          rejects.push({
            position: next,
            code: 'line_malformed',
            reason: `systemd journal, after entry ${next}: expected an entry with __CURSOR and MESSAGE, found ${JSON.stringify(text.slice(0, 80))}`,
            payload: text.slice(0, MAX_PAYLOAD),
          });
          return;
        }
        if (ORIGIN + sequence.id !== origin) {
          if (lines.length > 0 || rejects.length > 0) pending.push(batch(false, false));
          origin = ORIGIN + sequence.id;
          next = from(origin)?.position ?? 0;
        }
        cursor = entry.cursor;
        if (sequence.number < next) return;
        next = sequence.number + 1;
        if (entry.text !== '')
          lines.push({
            position: sequence.number,
            text: entry.text,
            timeMs: entry.timeMs,
            node: entry.node,
            cluster: null,
          });
      },
      tooLong(_offset: number, byteLength: number, head: string): void {
        rejects.push({
          position: next,
          code: 'line_too_long',
          reason: `systemd journal, after entry ${next}: an entry of ${byteLength} bytes, at most ${options.maxLineBytes} are read (maxLineBytes)`,
          payload: head.slice(0, MAX_PAYLOAD),
        });
      },
    };
    try {
      let reading = source.next();
      for (;;) {
        const idle = new AbortController();
        const result = await Promise.race([
          reading,
          clock.sleep(options.heartbeatInterval, idle.signal).then(() => null),
        ]);
        idle.abort();
        if (signal.aborted) return;
        if (result === null) {
          yield batch(true, false);
          continue;
        }
        if (result.done === true) break;
        split.push(result.value, sink);
        yield* pending.splice(0);
        yield batch(false, false);
        reading = source.next();
      }
      split.end(sink);
      const complaint = await failed;
      if (signal.aborted) return;
      if (follow || complaint !== null) throw unavailable(options.command, complaint ?? 'it ended by itself');
      yield* pending.splice(0);
      yield batch(true, true);
    } finally {
      signal.removeEventListener('abort', stop);
      running.kill();
    }
  }

  return {
    async start() {
      await current();
    },
    read,
    stop() {
      child?.kill();
      return Promise.resolve();
    },
  };
}

const startAtOf = (options: Options): string => options.startAt;

const unavailable = (command: string, complaint: string): WeirError =>
  new WeirError(
    'origin_unreadable',
    `${command}: cannot read the systemd journal: ${complaint.trim()}; members of the group systemd-journal may read it: sudo usermod -aG systemd-journal "$(id -un)"`,
  );

/** What a program that failed said; null when it did not fail. */
function complaintOf(child: Child, command: string): Promise<string | null> {
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < 4096) said += chunk.toString('utf8');
  });
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`${command} cannot be started: ${error.message}`));
    child.on('close', (code, signal) =>
      resolve(code === 0 || signal !== null ? null : said || `exit code ${code}`),
    );
  });
}

async function output(child: Child, command: string): Promise<{ stdout: string }> {
  const failed = complaintOf(child, command);
  const parts: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => parts.push(chunk));
  const complaint = await failed;
  if (complaint !== null) throw unavailable(command, complaint);
  return { stdout: Buffer.concat(parts).toString('utf8') };
}
