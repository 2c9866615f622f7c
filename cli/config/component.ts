import type { z } from 'zod';
import { explain } from './explain.ts';
import type { Path, Problem } from './problems.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface Parsed {
  /** Parsed values of the keys that are common to all components of a role. */
  readonly common: Fields;
  /** Parsed options of the component; a key it declares itself goes to it as well. */
  readonly options: unknown;
  readonly problems: readonly Problem[];
}

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Checks one component: keys of its role by `common`, the others by its own options. */
export function parseComponent(value: Fields, at: Path, common: z.ZodObject, options: z.ZodObject): Parsed {
  const own: Record<string, unknown> = {};
  const shared: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (key in common.shape) shared[key] = item;
    if (key in options.shape || !(key in common.shape)) own[key] = item;
  }
  const first = common.safeParse(shared, { reportInput: true });
  const second = options.safeParse(own, { reportInput: true });
  return {
    common: first.success ? first.data : {},
    options: second.success ? second.data : null,
    problems: [
      ...(first.success ? [] : explain(first.error.issues, common, at)),
      ...(second.success ? [] : explain(second.error.issues, options, at, Object.keys(common.shape))),
    ],
  };
}
