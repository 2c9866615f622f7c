import type { Delivery } from '../../pipeline/contracts.ts';
import { WeirError } from '../../pipeline/errors.ts';
import { fieldNamed } from '../../query/fields.ts';
import type { RecordKind } from '../../schema/records.ts';
import { sinkKinds } from '../base-options.ts';
import { keyOf, timeOf } from '../records/about.ts';
import { anyJson } from '../records/json.ts';
import { toLine } from '../records/text.ts';
import type { Options } from './options.ts';

/** Makes the body of one record. Pure; a field that a record lacks is an empty text, or a key that is left out. */
export type Render = (item: Delivery) => unknown;

type Read = (item: Delivery) => unknown;

/** `{name}`, or `{{` and `}}` for a brace. */
const PLACEHOLDER = /\{\{|\}\}|\{([^{}]*)\}/g;
const WHOLE = /^\{([^{}]*)\}$/;

/** What can be named beside the fields of a record. */
const derived: Readonly<Record<string, Read>> = {
  kind: (item) => item.kind,
  key: keyOf,
  time: (item) => new Date(timeOf(item)).toISOString(),
  line: (item) => toLine(item.kind, item.record),
  record: (item) => plain(item.record),
};

const escapes: Readonly<Record<Options['escape'], (text: string) => string>> = {
  none: (text) => text,
  slack: (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
  html: (text) =>
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;'),
};

/**
 * The bodies of the configuration, compiled once. Values are put into texts of a JSON value, never into its syntax: no
 * record can change the shape of a body. Throws `config_invalid` for a name that no kind of record has.
 */
export function bodies(options: Pick<Options, 'body' | 'bodies' | 'values' | 'escape'>): Render {
  const escape = escapes[options.escape];
  const values = new Map(
    Object.entries(options.values).map(([name, { of, map, default: other }]): [string, Read] => {
      const read = reader(of, `values.${name}.of`, new Map());
      return [
        name,
        (item) => {
          const found = textOf(read(item));
          return Object.hasOwn(map, found) ? map[found] : (other ?? escape(found));
        },
      ];
    }),
  );

  function reader(name: string, at: string, named: ReadonlyMap<string, Read>): Read {
    const known = named.get(name) ?? (Object.hasOwn(derived, name) ? derived[name] : undefined);
    if (known) return known;
    const kinds = new Map<RecordKind, readonly string[]>();
    for (const kind of sinkKinds) {
      const field = fieldNamed(kind, name);
      if (field) kinds.set(kind, field.path);
    }
    if (kinds.size === 0)
      throw new WeirError(
        'config_invalid',
        `${at}: found {${name}}, expected a field of a record, one of ${Object.keys(derived).join(', ')}, or a name of \`values\``,
      );
    return (item) => {
      const path = kinds.get(item.kind);
      return path === undefined ? null : valueAt(item.record, path);
    };
  }

  function text(template: string, at: string): Render {
    const whole = WHOLE.exec(template)?.[1];
    if (whole !== undefined) {
      const read = reader(whole, at, values);
      const isOurs = values.has(whole);
      return (item) => {
        const value = read(item);
        if (typeof value === 'string') return isOurs ? value : escape(value);
        return value === null ? undefined : plain(value);
      };
    }
    const parts: (string | Read)[] = [];
    let end = 0;
    for (const match of template.matchAll(PLACEHOLDER)) {
      parts.push(template.slice(end, match.index));
      end = match.index + match[0].length;
      const name = match[1];
      if (name === undefined) parts.push(match[0][0]!);
      else {
        const read = reader(name, at, values);
        parts.push(values.has(name) ? read : (item) => escape(textOf(read(item))));
      }
    }
    parts.push(template.slice(end));
    return (item) => parts.map((part) => (typeof part === 'string' ? part : textOf(part(item)))).join('');
  }

  function compile(template: unknown, at: string): Render {
    if (typeof template === 'string') return text(template, at);
    if (Array.isArray(template)) {
      const each = template.map((part, i) => compile(part, `${at}[${i}]`));
      return (item) => each.map((render) => render(item) ?? null);
    }
    if (template === null || typeof template !== 'object') return () => template;
    const each = Object.entries(template).map(([key, part]) => [key, compile(part, `${at}.${key}`)] as const);
    return (item) => Object.fromEntries(each.map(([key, render]) => [key, render(item)]));
  }

  const all = options.body === undefined ? whole : compile(options.body, 'body');
  const single = new Map(
    Object.entries(options.bodies).map(([kind, body]) => [kind, compile(body, `bodies.${kind}`)]),
  );
  return (item) => (single.get(item.kind) ?? all)(item);
}

const whole: Render = (item) => ({ kind: item.kind, id: keyOf(item), record: plain(item.record) });

/** A value without what is absent, in the JSON form of records. */
const plain = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? (JSON.parse(anyJson(value)) as unknown) : value;

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  return typeof value === 'object' ? anyJson(value) : JSON.stringify(value);
}

function valueAt(from: unknown, path: readonly string[]): unknown {
  let value: unknown = from;
  for (const [depth, name] of path.entries()) {
    if (value === null || value === undefined) return null;
    if (Array.isArray(value)) return value.map((each) => valueAt(each, path.slice(depth)));
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value ?? null;
}
