import type { Node } from '../../query/ast.ts';

/** Every field that a query names. */
export function fieldsIn(node: Node): string[] {
  switch (node.type) {
    case 'all':
      return [];
    case 'and':
    case 'or':
      return node.items.flatMap(fieldsIn);
    case 'not':
      return fieldsIn(node.item);
    default:
      return [node.field];
  }
}
