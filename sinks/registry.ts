import type { z } from 'zod';
import type { Context, Sink } from '../pipeline/contracts.ts';
import type { SinkKind } from './base-options.ts';
import { options as elasticsearch } from './elasticsearch/options.ts';
import { options as file } from './file/options.ts';
import { options as opensearch } from './opensearch/options.ts';
import { options as stdout } from './stdout/options.ts';
import { options as syslog } from './syslog/options.ts';

/** A sink type. `load` brings in its code, so that a role pays only for the sinks it runs. */
export interface SinkType<Schema extends z.ZodObject = z.ZodObject> {
  readonly options: Schema;
  /** What is sent when the configuration names no records. */
  readonly defaultRecords: readonly SinkKind[];
  /** Which of them, as a filter, where it is not all. */
  readonly defaultWhere?: Readonly<Partial<Record<SinkKind, string>>>;
  /** People are told of what it sends: it is given no alert that a suppression hides. */
  readonly notifies?: true;
  load(): Promise<{ create(options: z.output<Schema>, context: Context): Sink }>;
}

const type = <Schema extends z.ZodObject>(sink: SinkType<Schema>): SinkType<Schema> => sink;

export const sinks = {
  elasticsearch: type({
    options: elasticsearch,
    defaultRecords: ['flow', 'alert', 'incident', 'policy_change', 'loss', 'access'],
    load: () => import('./elasticsearch/index.ts'),
  }),
  file: type({ options: file, defaultRecords: ['flow', 'alert'], load: () => import('./file/index.ts') }),
  opensearch: type({
    options: opensearch,
    defaultRecords: ['flow', 'alert', 'incident', 'policy_change', 'loss', 'access'],
    load: () => import('./opensearch/index.ts'),
  }),
  stdout: type({
    options: stdout,
    defaultRecords: ['flow', 'alert'],
    load: () => import('./stdout/index.ts'),
  }),
  syslog: type({
    options: syslog,
    notifies: true,
    defaultRecords: ['alert', 'incident', 'policy_change', 'loss'],
    defaultWhere: { alert: 'not action : updated' },
    load: () => import('./syslog/index.ts'),
  }),
} as const;
