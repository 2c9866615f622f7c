import { WeirError } from '../../pipeline/errors.ts';

export type Path = readonly (string | number)[];

/** One thing that is wrong with a configuration. */
export interface Problem {
  /** Where in the document; a path that is not there stands for the nearest part of it that is. */
  readonly path: Path;
  /** What was found and what was expected. */
  readonly message: string;
  /** Points at the key itself rather than at its value. */
  readonly atKey?: true;
}

/** Line and column, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** `sinks.siem.to[0]`, as a person would write it. */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

/** A configuration that cannot be used. `message` holds a line for each problem: `file:line:column: path: what`. */
export class ConfigError extends WeirError {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super('config_invalid', problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Problems as lines in document order. */
export function problemLines(
  file: string,
  problems: readonly Problem[],
  positionOf: (path: Path, atKey: boolean) => Position | null,
): string[] {
  return problems
    .map((problem) => ({ problem, position: positionOf(problem.path, problem.atKey === true) }))
    .sort(
      (a, b) =>
        (a.position?.line ?? 0) - (b.position?.line ?? 0) ||
        (a.position?.column ?? 0) - (b.position?.column ?? 0),
    )
    .map(({ problem, position }) => {
      const place = position ? `${file}:${position.line}:${position.column}` : file;
      const path = pathText(problem.path);
      return `${place}: ${path === '' ? '' : `${path}: `}${problem.message}`;
    });
}

/** A value as it is shown in a message: short, and never a secret's text. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 57)}…` : value}'`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') {
    const keys = Object.keys(value);
    return keys.length === 0
      ? 'an empty mapping'
      : `a mapping (${keys.slice(0, 3).join(', ')}${keys.length > 3 ? ', …' : ''})`;
  }
  return JSON.stringify(value) ?? typeof value;
}
