/**
 * The closed list of error codes. Whether a failure may be retried is data here, never a guess at the place
 * that catches it; an error that is not one of these is fatal.
 */
export const errorCodes = {
  config_invalid: { retryable: false },
  origin_unreadable: { retryable: true },
  origin_lost: { retryable: false },
  line_malformed: { retryable: false },
  line_too_long: { retryable: false },
  record_failed: { retryable: false },
  record_unencodable: { retryable: false },
  record_undecodable: { retryable: false },
  schema_unknown: { retryable: true },
  quarantined: { retryable: false },
  log_unavailable: { retryable: true },
  log_misconfigured: { retryable: false },
  log_full: { retryable: true },
  state_unusable: { retryable: false },
  disk_full: { retryable: true },
  sink_unavailable: { retryable: true },
  sink_overloaded: { retryable: true },
  sink_unauthorised: { retryable: true },
  sink_misconfigured: { retryable: false },
  sink_refused_record: { retryable: false },
  tls_invalid: { retryable: true },
  query_invalid: { retryable: false },
  not_connected: { retryable: true },
} as const satisfies Record<string, { retryable: boolean }>;

export type ErrorCode = keyof typeof errorCodes;

/** An expected failure. `message` says where, what was found and what was expected, in one sentence. */
export class WeirError extends Error {
  readonly code: ErrorCode;
  /** How long the far side asks to be left alone; null when it asks nothing. */
  readonly retryAfterMs: number | null;
  constructor(
    code: ErrorCode,
    message: string,
    options?: { readonly cause?: unknown; readonly retryAfterMs?: number | null },
  ) {
    super(message, options);
    this.name = 'WeirError';
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs ?? null;
  }
  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }
}

/** One record that the far side did not take. */
export interface Refusal {
  /** Index into the items that were written. */
  readonly index: number;
  readonly retryable: boolean;
  readonly code: ErrorCode;
  readonly reason: string;
  /** How long the far side asks to be left alone; absent when it asks nothing. */
  readonly retryAfterMs?: number;
}

/** Thrown by a sink that delivered all but some: everything that is not listed is durable over there. */
export class PartialWriteError extends Error {
  readonly refusals: readonly Refusal[];
  constructor(refusals: readonly Refusal[]) {
    super(`${refusals.length} records were refused: ${refusals[0]?.reason ?? ''}`);
    this.name = 'PartialWriteError';
    this.refusals = refusals;
  }
}

export const isRetryable = (error: unknown): boolean => error instanceof WeirError && error.retryable;

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
