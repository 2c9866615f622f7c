import type { KeyTable } from '../key-table.ts';

/** Where an estimator declares its numbers: the key table of its detector, whose slots are the keys. */
export type ColumnHolder = Pick<KeyTable, 'column'>;
