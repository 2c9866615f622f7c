export { parse } from './parse.ts';
export { print } from './print.ts';
export { bind, matchesPattern, type Bound, type Leaf, type Test } from './bind.ts';
export { compileQuery, type Predicate } from './evaluate.ts';
export { caret, QueryError } from './errors.ts';
export { fieldsOf, type Field, type FieldType } from './fields.ts';
export { aliasesOf } from './aliases.ts';
