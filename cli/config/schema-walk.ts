/** Looks into zod schemas: which keys an object takes, and what is at a path. Used by messages and reference docs. */
import type { z } from 'zod';

export type AnySchema = z.core.$ZodType;

/** What the wrappers around a schema say about it. */
export interface Unwrapped {
  readonly schema: AnySchema;
  /** The value may be left out. */
  readonly optional: boolean;
  /** Default as written; undefined when there is none. */
  readonly fallback: unknown;
  readonly description: string;
  readonly secret: boolean;
  /** The component reads a `file:` reference itself. */
  readonly fileReference: boolean;
  readonly format: string | null;
}

type Def = {
  readonly type: string;
  readonly innerType?: AnySchema;
  readonly in?: AnySchema;
  readonly defaultValue?: unknown;
  readonly getter?: () => AnySchema;
  readonly shape?: Readonly<Record<string, AnySchema>>;
  readonly keyType?: AnySchema;
  readonly valueType?: AnySchema;
  readonly element?: AnySchema;
  readonly options?: readonly AnySchema[];
  readonly entries?: Readonly<Record<string, string | number>>;
  readonly values?: readonly unknown[];
};

export const defOf = (schema: AnySchema): Def => schema._zod.def;

const metaOf = (schema: AnySchema): Record<string, unknown> => {
  const { meta } = schema as { meta?: () => Record<string, unknown> | undefined };
  return (typeof meta === 'function' ? meta.call(schema) : undefined) ?? {};
};

/** Takes off what only says whether a value may be absent. */
export function unwrap(schema: AnySchema): Unwrapped {
  let at = schema;
  let optional = false;
  let fallback: unknown;
  let description = '';
  let secret = false;
  let fileReference = false;
  let format: string | null = null;
  for (;;) {
    const def = defOf(at);
    const meta = metaOf(at);
    if (description === '' && typeof meta['description'] === 'string') description = meta['description'];
    if (meta['secret'] === true) secret = true;
    if (meta['fileReference'] === true) fileReference = true;
    if (format === null && typeof meta['format'] === 'string') format = meta['format'];
    let next: AnySchema | undefined;
    if (def.type === 'optional' || def.type === 'default' || def.type === 'prefault') {
      optional = true;
      if (fallback === undefined && 'defaultValue' in def) fallback = def.defaultValue;
      next = def.innerType;
    } else if (def.type === 'nullable' || def.type === 'readonly' || def.type === 'catch')
      next = def.innerType;
    else if (def.type === 'nonoptional') next = def.innerType;
    else if (def.type === 'pipe') next = def.in;
    else if (def.type === 'lazy') next = def.getter?.();
    if (!next) return { schema: at, optional, fallback, description, secret, fileReference, format };
    at = next;
  }
}

/** The schemas a value at this place may have: one, or each branch of a union. */
export function branches(schema: AnySchema): readonly AnySchema[] {
  const { schema: plain } = unwrap(schema);
  const def = defOf(plain);
  return def.type === 'union' ? (def.options ?? []).flatMap(branches) : [plain];
}

/** Keys that objects of this schema may have; empty when it takes any, or is no object. */
export function keysOf(schema: AnySchema): string[] {
  const keys = branches(schema).flatMap((branch) => {
    const { shape, keyType } = defOf(branch);
    return shape ? Object.keys(shape) : keyType ? Object.keys(defOf(keyType).entries ?? {}) : [];
  });
  return [...new Set(keys)];
}

/** The schemas found by following a path; empty when it leads nowhere. */
export function schemasAt(schema: AnySchema, path: readonly PropertyKey[]): readonly AnySchema[] {
  let found: readonly AnySchema[] = [schema];
  for (const part of path) {
    found = found.flatMap((at) =>
      branches(at).flatMap((branch) => {
        const def = defOf(branch);
        const next = def.shape?.[String(part)] ?? def.valueType ?? def.element;
        return next ? [next] : [];
      }),
    );
  }
  return found;
}

/** Whether a value at this path is marked as a secret in its schema. */
export const isSecretAt = (schema: AnySchema, path: readonly PropertyKey[]): boolean =>
  schemasAt(schema, path).some((at) => unwrap(at).secret);
