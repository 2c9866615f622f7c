import type { Delivery } from '../../pipeline/contracts.ts';
import type { SinkKind } from '../base-options.ts';
import type { FieldMap } from './field-map.ts';

/**
 * One record as text on one line, which holds no control character whatever the record holds.
 *
 * `cap` shortens every text to that many UTF-16 units, and lists with it; the text is then parseable as before and
 * says that it was shortened. 0 leaves what identifies the record, in 250 bytes; null shortens nothing.
 */
export type Payload = (item: Delivery, cap: number | null) => string;

export interface FormatSettings {
  /** Version of this program, for the headers that name it. */
  readonly version: string;
  /** Fields added, replaced and left out, by kind of record. */
  readonly fields: Readonly<Partial<Record<SinkKind, FieldMap>>>;
}
