import { readdir } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';

/** Translates one path segment of a pattern: `*` and `?` within a name, `[a-z]` and `[!a-z]` as in a shell. */
function segmentPattern(segment: string): RegExp {
  let source = '';
  for (let i = 0; i < segment.length; i++) {
    const char = segment[i]!;
    const close = char === '[' ? segment.indexOf(']', i + 2) : -1;
    if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (close > 0) {
      const inner = segment
        .slice(i + 1, close)
        .replaceAll('\\', '\\\\')
        .replace(/^!/, '^');
      source += `[${inner}]`;
      i = close;
    } else source += char.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  }
  return new RegExp(`^${source}$`);
}

const isPattern = (segment: string): boolean => /[*?[]/.test(segment);

export interface GlobResult {
  readonly paths: string[];
  /** Directories that could not be listed, with the system's error code. */
  readonly unreadable: { readonly path: string; readonly code: string }[];
}

/**
 * Paths a pattern matches, sorted. A path without pattern characters is returned as it is, whether it exists
 * or not. Names that begin with a dot match only a pattern that begins with one. Symbolic links to files are
 * matched, symbolic links to directories are followed except under `**`.
 */
export async function glob(pattern: string): Promise<GlobResult> {
  const absolute = resolve(pattern);
  if (!isPattern(absolute)) return { paths: [absolute], unreadable: [] };
  const segments = absolute.split(sep).slice(1);
  const found = new Set<string>();
  const unreadable: { path: string; code: string }[] = [];

  const list = async (directory: string) => {
    try {
      return await readdir(directory, { withFileTypes: true });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'EIO';
      if (code !== 'ENOENT' && code !== 'ENOTDIR') unreadable.push({ path: directory, code });
      return [];
    }
  };

  const walk = async (directory: string, at: number): Promise<void> => {
    const segment = segments[at]!;
    const last = at === segments.length - 1;
    if (segment === '**') {
      if (!last) await walk(directory, at + 1);
      for (const entry of await list(directory)) {
        if (entry.name.startsWith('.')) continue;
        if (entry.isDirectory()) await walk(join(directory, entry.name), at);
        else if (last) found.add(join(directory, entry.name));
      }
      return;
    }
    if (!isPattern(segment)) {
      if (last) found.add(join(directory, segment));
      else await walk(join(directory, segment), at + 1);
      return;
    }
    const matches = segmentPattern(segment);
    for (const entry of await list(directory)) {
      if (entry.name.startsWith('.') && !segment.startsWith('.')) continue;
      if (!matches.test(entry.name)) continue;
      const path = join(directory, entry.name);
      if (!last) {
        if (!entry.isFile()) await walk(path, at + 1);
      } else if (!entry.isDirectory()) found.add(path);
    }
  };
  await walk(sep, 0);
  return { paths: [...found].sort(), unreadable };
}

/** True when a path, absolute, is matched by the pattern. */
export function matchesGlob(pattern: string, path: string): boolean {
  const segments = resolve(pattern).split(sep).slice(1);
  const names = path.split(sep).slice(1);
  const match = (at: number, from: number): boolean => {
    if (at === segments.length) return from === names.length;
    if (segments[at] === '**') {
      for (let skip = from; skip <= names.length; skip++) if (match(at + 1, skip)) return true;
      return at === segments.length - 1;
    }
    return from < names.length && segmentPattern(segments[at]!).test(names[from]!) && match(at + 1, from + 1);
  };
  return match(0, 0);
}
