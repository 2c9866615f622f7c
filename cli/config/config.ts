import type { z } from 'zod';
import type { Options as KibanaOptions } from '../../dashboards/kibana/options.ts';
import type { options as enricher } from '../../enricher/options.ts';
import type { Options as LogOptions } from '../../telemetry/options.ts';
import type { options as kafka } from '../../transport/kafka/options.ts';
import type { SinkKind } from '../../sinks/base-options.ts';
import type { Options as IncidentsOptions } from '../../incidents/options.ts';
import type { Suppression } from '../../incidents/suppress.ts';
import type { RulesConfig } from './rules.ts';

export const roles = ['collector', 'enricher', 'detectors', 'sinks'] as const;
export type Role = (typeof roles)[number];

/** A configuration that was checked as a whole; `options` are the parsed options of the named type. */
export interface Config {
  /** File it came from; null when there was none. */
  readonly file: string | null;
  readonly cluster: string;
  /** Configured name of the machine whose logs are read; null when not configured. */
  readonly node: string | null;
  readonly state: { readonly dir: string; readonly maxBytes: number };
  readonly lanes: number;
  /** Null: all stages in one process, over a local log. */
  readonly kafka: z.output<typeof kafka> | null;
  readonly enricher: z.output<typeof enricher>;
  readonly sources: readonly SourceConfig[];
  readonly detectors: readonly DetectorConfig[];
  readonly rules: RulesConfig;
  readonly suppressions: readonly Suppression[];
  readonly incidents: IncidentsOptions;
  readonly sinks: readonly SinkConfig[];
  /** Null: not configured, so alerts have no link to it. */
  readonly kibana: KibanaOptions | null;
  readonly log: LogOptions;
  readonly listen: { readonly metrics: string | null; readonly api: { readonly unix: string } | null };
  /** Times in milliseconds. */
  readonly watermarks: {
    readonly inactiveAfter: number;
    readonly maxHold: number;
    readonly maxWaiting: number;
  };
  readonly notifyMaxAgeMs: number;
  /** Values that no message may hold. */
  readonly secrets: readonly string[];
  /** References that could not be followed and did not have to be. */
  readonly warnings: readonly string[];
  /** What a person is shown: defaults filled in, secrets as `<redacted>`. */
  readonly shown: Readonly<Record<string, unknown>>;
}

export interface SourceConfig {
  readonly name: string;
  readonly type: string;
  readonly options: unknown;
  readonly input: { readonly type: string; readonly options: unknown };
  readonly cluster: string;
  readonly node: string | null;
  /** Null: that of its type. */
  readonly disorderMs: number | null;
}

export interface DetectorConfig {
  readonly name: string;
  readonly where: string | null;
  readonly options: unknown;
}

export interface SinkConfig {
  readonly name: string;
  readonly type: string;
  readonly options: unknown;
  readonly records: Readonly<Partial<Record<SinkKind, { readonly where: string | null }>>>;
  readonly tenant: string | null;
  /** How often the sink is told that Weir is alive; null for never. */
  readonly heartbeatMs: number | null;
  /** What is kept for it in the local log; null leaves the share every reader has. Null bytes: that share. */
  readonly queue: { readonly maxBytes: number | null; readonly onFull: 'block' | 'dropOldest' } | null;
}
