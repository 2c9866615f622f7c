import { LineCounter, parseAllDocuments } from 'yaml';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import type { Inventory } from '../../schema/records.ts';
import { decodeObject } from './decode.ts';
import { isObject, stringAt } from './json.ts';
import { jsonErrorOffset } from './json-error.ts';

/**
 * The objects of one file: a `List` as kubectl prints it, a typed list (`PodList`), one object, an array of
 * them, or several of these, as JSON one after the other or as YAML documents. `path` is for messages only. Throws `config_invalid` naming the
 * file with the line and column, or with the number of the item.
 */
export function parseInventory(text: string, cluster: string, path: string): Inventory[] {
  const records: Inventory[] = [];
  let item = 0;
  const take = (value: unknown, listKind: string | null): void => {
    if (Array.isArray(value)) return value.forEach((entry) => take(entry, listKind));
    if (!isObject(value)) {
      throw new WeirError(
        'config_invalid',
        `${path}: item ${item + 1} is ${shortly(value)}, expected a Kubernetes object`,
      );
    }
    const items = value['items'];
    if (Array.isArray(items)) {
      const kind = stringAt(value, 'kind');
      return take(
        items,
        kind !== null && kind !== 'List' && kind.endsWith('List') ? kind.slice(0, -4) : null,
      );
    }
    item++;
    try {
      const record = decodeObject(value, cluster, listKind);
      if (record !== null) records.push(record);
    } catch (error) {
      throw new WeirError('config_invalid', `${path}: item ${item}: ${messageOf(error)}`, { cause: error });
    }
  };
  // Editors of some systems begin a file with a byte order mark, which is no JSON.
  for (const document of documents(text.replace(/^\uFEFF/, ''), path)) take(document, null);
  return records;
}

function documents(text: string, path: string): readonly unknown[] {
  const first = text.trimStart()[0];
  if (first === undefined) {
    throw new WeirError(
      'config_invalid',
      `${path}: the file is empty, expected the output of kubectl get … -A -o json`,
    );
  }
  return first === '{' || first === '[' ? json(text, path) : yaml(text, path);
}

/** The values of a text, one after the other, as several `kubectl get -o json >> FILE` leave them. */
function json(text: string, path: string): readonly unknown[] {
  const values: unknown[] = [];
  let start = 0;
  for (;;) {
    const rest = start === 0 ? text : text.slice(start);
    try {
      values.push(JSON.parse(rest));
      return values;
    } catch (error) {
      const offset = jsonErrorOffset(rest);
      const value = parsed(rest.slice(0, offset));
      if (value === undefined) throw notJson(error, text, start + offset, path);
      values.push(value);
      start += offset;
    }
  }
}

/** Undefined where the text is no whole value. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function notJson(error: unknown, text: string, offset: number, path: string): WeirError {
  const line = text.slice(0, offset).split('\n').length;
  const column = offset - text.lastIndexOf('\n', offset - 1);
  return new WeirError('config_invalid', `${path}:${line}:${column}: not JSON: ${messageOf(error)}`, {
    cause: error,
  });
}

function yaml(text: string, path: string): readonly unknown[] {
  const lines = new LineCounter();
  const out: unknown[] = [];
  for (const document of parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })) {
    const error = document.errors[0];
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      throw new WeirError('config_invalid', `${path}:${line}:${col}: not YAML: ${error.message}`, {
        cause: error,
      });
    }
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (value !== null) out.push(value);
  }
  return out;
}

function shortly(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
