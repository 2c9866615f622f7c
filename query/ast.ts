/** A parsed query. `at` is the index, in UTF-16 units, of the first character a node was read from. */
export type Node = All | Group | Not | Match | Compare;

/** The empty query: every record. */
export interface All {
  readonly type: 'all';
}
/** Two or more nodes; a group never directly holds a group of its own type. */
export interface Group {
  readonly type: 'and' | 'or';
  readonly items: readonly Node[];
}
export interface Not {
  readonly type: 'not';
  readonly item: Node;
}
/** `field : value` or `field : (a or b)`: true when any value fits. */
export interface Match {
  readonly type: 'match';
  readonly field: string;
  readonly at: number;
  readonly values: readonly Value[];
}
/** `field >= value`. */
export interface Compare {
  readonly type: 'compare';
  readonly field: string;
  readonly at: number;
  readonly operator: Operator;
  readonly value: Value;
}
export const operators = ['<=', '>=', '<', '>'] as const;
export type Operator = (typeof operators)[number];

export interface Value {
  /** The text between unescaped wildcards: one part is a plain value, `['', '']` is `*` alone. */
  readonly parts: readonly string[];
  readonly at: number;
}

export const isExists = (value: Value): boolean => value.parts.length > 1 && value.parts.join('') === '';
