import { isMap, isScalar, isSeq, isAlias, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { ConfigError, type Path, type Position } from './problems.ts';

export interface YamlFile {
  readonly value: unknown;
  /** Where a part of the document is; a missing part is where the nearest enclosing one is. */
  positionOf(path: Path, atKey: boolean): Position | null;
}

/** Reads one YAML 1.2 document. Throws ConfigError naming line and column of every syntax error. */
export function parseYaml(text: string, file: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return `${file}:${line}:${col}: not valid YAML: ${error.message}`;
      }),
    );
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new ConfigError([`${file}: not valid YAML: ${(error as Error).message}`]);
  }
  return {
    value,
    positionOf(path, atKey) {
      const offset = offsetOf(document, path, atKey);
      if (offset === null) return null;
      const { line, col } = lines.linePos(offset);
      return { line, column: col };
    },
  };
}

function offsetOf(document: Document, path: Path, atKey: boolean): number | null {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? null;
  for (const [depth, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (!pair) break;
      const key = pair.key as Node;
      const next = pair.value as Node | null;
      const last = depth === path.length - 1;
      // A nested block begins at its first key, which is less telling than the key it belongs to.
      const atThisKey = next === null || (last && atKey) || !isScalar(next);
      offset = (atThisKey ? key.range?.[0] : next.range?.[0]) ?? offset;
      node = next;
    } else if (isSeq(node) && typeof part === 'number') {
      const next = (node.items[part] ?? null) as Node | null;
      if (next === null) break;
      offset = next.range?.[0] ?? offset;
      node = next;
    } else break;
  }
  return offset;
}
