import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { messageOf } from '../../pipeline/errors.ts';
import type { Path, Problem } from './problems.ts';

export interface Resolved {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Paths, joined by NUL, of every value that came from a reference: shown nowhere. */
  readonly secrets: ReadonlySet<string>;
  /** Paths, joined by NUL, whose reference could not be followed. */
  readonly unresolved: ReadonlySet<string>;
}

export const pathKey = (path: Path): string => path.join('\0');

/** Longest file a `file:` reference may name; a certificate bundle is about 250 kB. */
const maxFileBytes = 4 * 1024 * 1024;

export interface ReferenceOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative paths are relative to. */
  readonly folder: string;
  /** Values whose `file:` reference is left to the component, with its path made absolute. */
  readonly keep?: (path: Path) => boolean;
}

/**
 * Follows the references in all text values: `${NAME}` and `${NAME:-default}` anywhere in a value stand for an
 * environment variable, `$${` for a literal `${`; a whole value `file:PATH` stands for the content of that file
 * without its last line end, PATH being relative to `folder`.
 */
export function resolveReferences(value: unknown, { env, folder, keep }: ReferenceOptions): Resolved {
  const problems: Problem[] = [];
  const secrets = new Set<string>();
  const unresolved = new Set<string>();

  const text = (raw: string, path: Path): string => {
    if (raw.startsWith('file:')) {
      const kept = keep?.(path) === true;
      if (!kept) secrets.add(pathKey(path));
      const name = raw.slice('file:'.length).replace(/^\/\/(?=\/)/, '');
      const file = isAbsolute(name) ? name : resolve(folder, name);
      try {
        const content = readFileSync(file);
        if (kept) return `file:${file}`;
        if (content.length > maxFileBytes)
          throw new Error(`it has ${content.length} bytes, at most ${maxFileBytes} are read`);
        return content.toString('utf8').replace(/\r?\n$/, '');
      } catch (error) {
        unresolved.add(pathKey(path));
        problems.push({ path, message: `found '${raw}', but that file cannot be read: ${messageOf(error)}` });
        return raw;
      }
    }
    return raw.replace(
      /\$(\$\{)|\$\{([^}]*)\}/g,
      (whole, escaped: string | undefined, inner: string | undefined) => {
        if (escaped !== undefined) return '${';
        const [, name = '', fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inner ?? '') ?? [];
        secrets.add(pathKey(path));
        if (name === '') {
          unresolved.add(pathKey(path));
          problems.push({
            path,
            message: `found '${whole}', expected the name of an environment variable as in '\${NAME}' (write '$\${' for a literal '\${')`,
          });
          return whole;
        }
        const found = env[name] ?? fallback;
        if (found !== undefined && (found !== '' || fallback !== undefined)) return found;
        unresolved.add(pathKey(path));
        problems.push({
          path,
          message: `the environment variable ${name} is ${found === '' ? 'empty' : 'not set'}`,
        });
        return whole;
      },
    );
  };

  const walk = (part: unknown, path: Path): unknown => {
    if (typeof part === 'string') return text(part, path);
    if (Array.isArray(part)) return part.map((item, index) => walk(item, [...path, index]));
    if (part !== null && typeof part === 'object')
      return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, walk(item, [...path, key])]));
    return part;
  };
  return { value: walk(value, []), problems, secrets, unresolved };
}
