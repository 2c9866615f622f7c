import type { Node } from './ast.ts';
import { printField, printValue } from './lex.ts';

/** The query as text: `parse` of it gives the same tree, positions aside. */
export function print(node: Node): string {
  switch (node.type) {
    case 'all':
      return '';
    case 'and':
    case 'or':
      return node.items
        .map((item) => (isGroup(item) ? `(${print(item)})` : print(item)))
        .join(` ${node.type} `);
    case 'not':
      return isGroup(node.item) ? `not (${print(node.item)})` : `not ${print(node.item)}`;
    case 'compare':
      return `${printField(node.field)} ${node.operator} ${printValue(node.value)}`;
    default: {
      const values = node.values.map(printValue);
      return `${printField(node.field)} : ${values.length === 1 ? values[0] : `(${values.join(' or ')})`}`;
    }
  }
}

const isGroup = (node: Node): boolean => node.type === 'and' || node.type === 'or';
