/** A parsed JSON or YAML object of which nothing is known yet. */
export type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function objectAt(object: Json | null, field: string): Json | null {
  const value = object?.[field];
  return isObject(value) ? value : null;
}

export function stringAt(object: Json | null, field: string): string | null {
  const value = object?.[field];
  return typeof value === 'string' ? value : null;
}

export function numberAt(object: Json | null, field: string): number | null {
  const value = object?.[field];
  return typeof value === 'number' && Number.isInteger(value) ? value : null;
}

/** The objects of a list; anything else in it is left out. */
export function arrayAt(object: Json | null, field: string): readonly Json[] {
  const value = object?.[field];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function stringsAt(object: Json | null, field: string): readonly string[] {
  const value = object?.[field];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
