/** What a container runtime wrote around one line of a container. */
export interface Wrapped {
  readonly stream: string;
  readonly timeMs: number | null;
  readonly text: string;
  /** The runtime cut the line here; the next entry of the stream goes on with it. */
  readonly partial: boolean;
}

/**
 * The CRI log format (kubernetes/design-proposals: "kubelet CRI logging"): RFC 3339 time, `stdout` or
 * `stderr`, tags of which the first is `P` (partial) or `F` (full), text. Null when the line is none.
 */
export function parseCri(line: string): Wrapped | null {
  if (line.charCodeAt(4) !== 45 || line.charCodeAt(10) !== 84) return null;
  const space = line.indexOf(' ');
  if (space < 20 || space > 35) return null;
  if (!line.startsWith('stdout ', space + 1) && !line.startsWith('stderr ', space + 1)) return null;
  const tag = line.charCodeAt(space + 8);
  if (tag !== 70 && tag !== 80) return null;
  const textAt = line.indexOf(' ', space + 8);
  const timeMs = Date.parse(line.slice(0, space));
  return {
    stream: line.slice(space + 1, space + 7),
    timeMs: Number.isNaN(timeMs) ? null : timeMs,
    text: textAt < 0 ? '' : line.slice(textAt + 1),
    partial: tag === 80,
  };
}

/** Docker's json-file driver: `{"log":"…\n","stream":"stdout","time":"…"}`; a text without `\n` is partial. */
export function parseDocker(line: string): Wrapped | null {
  if (!line.startsWith('{"log":')) return null;
  let parsed: { log?: unknown; stream?: unknown; time?: unknown };
  try {
    parsed = JSON.parse(line) as typeof parsed;
  } catch {
    return null;
  }
  if (typeof parsed.log !== 'string') return null;
  const timeMs = typeof parsed.time === 'string' ? Date.parse(parsed.time) : NaN;
  const partial = !parsed.log.endsWith('\n');
  return {
    stream: typeof parsed.stream === 'string' ? parsed.stream : 'stdout',
    timeMs: Number.isNaN(timeMs) ? null : timeMs,
    text: partial ? parsed.log : parsed.log.replace(/\r?\n$/, ''),
    partial,
  };
}
