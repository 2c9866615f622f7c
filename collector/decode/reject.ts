import type { Line, Reject } from '../../pipeline/contracts.ts';

const MAX_PAYLOAD = 1024 * 1024;
const MAX_QUOTED = 120;

/** A line that is not what its type should be. `expected` and `found` make one sentence with the place. */
export function malformed(place: string, line: Line, expected: string): Reject {
  const { position, text } = line;
  const found = JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
  return {
    position,
    code: 'line_malformed',
    reason: `${place}, position ${position}: expected ${expected}, found ${found}`,
    payload: text.slice(0, MAX_PAYLOAD),
  };
}
