import { WeirError } from '../pipeline/errors.ts';

/** A query that cannot be used, with the place in it. `message` is one sentence naming the column. */
export class QueryError extends WeirError {
  readonly query: string;
  /** Index into the query, in UTF-16 units; the column in the message is one more. */
  readonly at: number;
  constructor(query: string, at: number, problem: string) {
    super('query_invalid', `query, column ${at + 1}: ${problem}`);
    this.name = 'QueryError';
    this.query = query;
    this.at = at;
  }
}

const WIDTH = 100;

/**
 * The query and a caret under the place of the error, as two lines to print below the message. A long query is
 * cut around the place; line breaks and tabs become spaces so that the caret stands right.
 */
export function caret(error: QueryError): string {
  const text = error.query.replaceAll(/\s/g, ' ');
  const from = Math.max(0, Math.min(error.at - WIDTH / 2, text.length - WIDTH));
  const head = from > 0 ? '…' : '';
  const cut = text.slice(from, from + WIDTH);
  const tail = from + WIDTH < text.length ? '…' : '';
  return `${head}${cut}${tail}\n${' '.repeat(head.length + error.at - from)}^`;
}
