import type { Line, Reject } from '../../../pipeline/contracts.ts';
import type { LineSink } from './split.ts';
import { parseForwarded, type Forwarded } from '../../decode/forwarder.ts';
import { parseJournal } from './journal.ts';
import { parseCri, parseDocker, type Wrapped } from './wrappers.ts';

export type WrapperName = 'auto' | 'none' | 'cri' | 'docker' | 'journald' | 'openshift-logging';

/** Lines and rejects of one batch; `collectLines` fills it. */
export interface Collected {
  lines: Line[];
  rejects: Reject[];
}

export interface CollectOptions {
  readonly wrapper: WrapperName;
  readonly maxLineBytes: number;
  /** Path or stream, for messages. */
  readonly place: () => string;
  /** Called for each line in which bytes that are no UTF-8 were replaced. */
  readonly replaced: () => void;
}

const BYTE_ORDER_MARK = 0xfeff;

/** Payload of a reject, in characters: what the dead letter may hold. */
const MAX_PAYLOAD = 1024 * 1024;

interface Open {
  readonly position: number;
  readonly stream: string;
  text: string;
  timeMs: number | null;
  done: boolean;
}

/** A line sink that takes off what a container runtime or log forwarder wrapped around the line. */
export interface LineCollector extends LineSink {
  /** What was collected since the last call. */
  take(): Collected;
  /** Start of the first line that is still waiting for its other parts; null when none is. */
  heldFrom(): number | null;
  /** The stream has ended: parts that wait are given as they are. */
  end(): void;
}

/**
 * Parts of a cut container line are joined at the position of the first part. Lines of the other stream that
 * come meanwhile wait, so that positions keep rising.
 */
export function collectLines(options: CollectOptions): LineCollector {
  const { wrapper, maxLineBytes, place } = options;
  let out: Collected = { lines: [], rejects: [] };
  let open: Open[] = [];
  let openChars = 0;
  /** Streams of which a line was rejected that has not ended yet. */
  const skipping = new Set<string>();

  const plain = (position: number, text: string, timeMs: number | null): void => {
    out.lines.push({ position, text, timeMs, node: null, cluster: null });
  };

  const flush = (all: boolean): void => {
    let done = 0;
    while (done < open.length && (all || open[done]!.done)) {
      const entry = open[done++]!;
      openChars -= entry.text.length;
      if (entry.text !== '') plain(entry.position, entry.text, entry.timeMs);
    }
    open = open.slice(done);
  };

  /** Gives up the longest line that is not whole; what waits for it goes on. */
  const rejectOpen = (): void => {
    const parts = open.filter((entry) => !entry.done);
    const first = parts.reduce((longest, entry) =>
      entry.text.length > longest.text.length ? entry : longest,
    );
    open = open.filter((entry) => entry !== first);
    openChars -= first.text.length;
    skipping.add(first.stream);
    out.rejects.push({
      position: first.position,
      code: 'line_too_long',
      reason: `${place()}, byte ${first.position}: the parts of a ${first.stream} line come to more than ${maxLineBytes} bytes`,
      payload: first.text.slice(0, MAX_PAYLOAD),
    });
    flush(false);
  };

  const join = (position: number, wrapped: Wrapped): void => {
    if (skipping.has(wrapped.stream)) {
      if (!wrapped.partial) skipping.delete(wrapped.stream);
      return;
    }
    if (open.length === 0 && !wrapped.partial) {
      if (wrapped.text !== '') plain(position, wrapped.text, wrapped.timeMs);
      return;
    }
    const begun = open.find((entry) => !entry.done && entry.stream === wrapped.stream);
    openChars += wrapped.text.length;
    if (begun) {
      begun.text += wrapped.text;
      begun.timeMs = wrapped.timeMs ?? begun.timeMs;
      begun.done = !wrapped.partial;
    } else {
      const { stream, text, timeMs, partial } = wrapped;
      open.push({ position, stream, text, timeMs, done: !partial });
    }
    flush(false);
    while (openChars > maxLineBytes && open.length > 0) rejectOpen();
  };

  const unwrapped = (position: number, text: string, found: Forwarded | null, expected: string): void => {
    if (found) {
      if (found.text !== '')
        out.lines.push({
          position,
          text: found.text,
          timeMs: found.timeMs,
          node: found.node,
          cluster: found.cluster,
        });
      return;
    }
    out.rejects.push({
      position,
      code: 'line_malformed',
      reason: `${place()}, position ${position}: expected ${expected}, found ${JSON.stringify(text.slice(0, 80))}`,
      payload: text.slice(0, MAX_PAYLOAD),
    });
  };

  return {
    line(position, given, valid) {
      if (!valid) options.replaced();
      // Some editors and shells begin a file with a byte order mark, which is no part of its first line.
      const text = position === 0 && given.charCodeAt(0) === BYTE_ORDER_MARK ? given.slice(1) : given;
      if (wrapper === 'openshift-logging') {
        return unwrapped(
          position,
          text,
          parseForwarded(text),
          'a JSON object of the log forwarder with "message"',
        );
      }
      if (wrapper === 'journald') {
        return unwrapped(
          position,
          text,
          parseJournal(text),
          'a JSON object of journalctl -o json --all with a MESSAGE',
        );
      }
      let wrapped: Wrapped | null = null;
      if (wrapper === 'auto' || wrapper === 'cri') wrapped = parseCri(text);
      if (!wrapped && (wrapper === 'auto' || wrapper === 'docker')) wrapped = parseDocker(text);
      if (wrapped) join(position, wrapped);
      else if (open.length > 0) join(position, { stream: '', timeMs: null, text, partial: false });
      else plain(position, text, null);
    },
    tooLong(position, byteLength, head) {
      out.rejects.push({
        position,
        code: 'line_too_long',
        reason: `${place()}, byte ${position}: a line of ${byteLength} bytes, at most ${maxLineBytes} are read (maxLineBytes)`,
        payload: head.slice(0, MAX_PAYLOAD),
      });
    },
    take() {
      const taken = out;
      out = { lines: [], rejects: [] };
      return taken;
    },
    heldFrom: () => open[0]?.position ?? null,
    end: () => flush(true),
  };
}
