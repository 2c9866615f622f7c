/** An answer, whatever its status. */
export interface HttpReply {
  readonly status: number;
  /** Its beginning, where it is longer than the client was told to read. */
  readonly text: string;
  /** How long it asks to be left alone; absent when it does not. */
  readonly retryAfterMs?: number;
}
