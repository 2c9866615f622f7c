import { isIP } from 'node:net';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Meter } from '../pipeline/meter.ts';

export interface PrometheusMeter extends Meter {
  /** The text of /metrics. */
  text(): Promise<string>;
  readonly contentType: string;
}

export interface MeterSettings {
  /** Most label sets a metric may have; what comes after is counted in `weir_label_sets_dropped_total`. */
  readonly maxLabelSets?: number;
  /** Metrics of the process: CPU, memory, event loop, garbage collection. */
  readonly processMetrics?: boolean;
}

type Labels = Readonly<Record<string, string>>;

/** One metric of prom-client; of a label set it is told to use. */
interface Family<Child> {
  readonly kind: string;
  readonly names: readonly string[];
  child(labels: Labels | undefined): Child | null;
}

/** Seconds; from a fast batch to a stalled one. */
const buckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

/** What would carry the traffic itself into /metrics, where everyone who monitors may read it. */
const forbiddenLabels =
  /^(?:ip|address|addr|pod|host|hostname|namespace|workload|entity|peer|user)(?:e?s)?$/i;

/**
 * Metrics named `weir_<name>` in Prometheus text. Asking for a name again gives the same metric, whoever asks.
 * /metrics carries no addresses and no names of workloads: labels that would hold them are refused, and a label
 * value that is an address all the same is replaced by `address`.
 */
export function createMeter(settings: MeterSettings = {}): PrometheusMeter {
  const maxLabelSets = settings.maxLabelSets ?? 1000;
  const registry = new Registry();
  if (settings.processMetrics ?? true) collectDefaultMetrics({ register: registry, prefix: 'weir_' });
  const dropped = new Counter({
    name: 'weir_label_sets_dropped_total',
    help: 'Updates of label sets beyond the limit of their metric.',
    labelNames: ['metric'],
    registers: [registry],
  });
  const families = new Map<string, Family<unknown>>();

  const family = <Child>(
    kind: string,
    name: string,
    names: readonly string[],
    make: (fullName: string) => { labels(labels: Record<string, string>): Child },
  ): Family<Child> => {
    const known = families.get(name);
    if (known) {
      if (known.kind !== kind || known.names.join() !== names.join()) {
        throw new Error(
          `metric ${name} is a ${known.kind} of (${known.names.join()}), not a ${kind} of (${names.join()})`,
        );
      }
      return known as Family<Child>;
    }
    const forbidden = names.find((label) => forbiddenLabels.test(label));
    if (forbidden !== undefined)
      throw new Error(`metric ${name}: label ${forbidden} would name what was observed`);
    const metric = make(`weir_${name}`);
    const children = new Map<string, Child>();
    const made: Family<Child> = {
      kind,
      names,
      child: (labels) => {
        let key = '';
        for (const label of names) key += `${labels?.[label] ?? ''}\u0000`;
        const existing = children.get(key);
        if (existing !== undefined) return existing;
        if (children.size >= maxLabelSets) {
          dropped.inc({ metric: name });
          return null;
        }
        const child = metric.labels(
          Object.fromEntries(names.map((label) => [label, safe(labels?.[label] ?? '')])),
        );
        children.set(key, child);
        return child;
      },
    };
    families.set(name, made);
    return made;
  };

  const registers = [registry];
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    counter: (name, help, labelNames = []) => {
      const of = family(
        'counter',
        name,
        labelNames,
        (full) => new Counter({ name: full, help, labelNames: [...labelNames], registers }),
      );
      return { add: (value, labels) => of.child(labels)?.inc(value) };
    },
    gauge: (name, help, labelNames = []) => {
      const of = family(
        'gauge',
        name,
        labelNames,
        (full) => new Gauge({ name: full, help, labelNames: [...labelNames], registers }),
      );
      return { set: (value, labels) => of.child(labels)?.set(value) };
    },
    histogram: (name, help, labelNames = []) => {
      const of = family(
        'histogram',
        name,
        labelNames,
        (full) => new Histogram({ name: full, help, labelNames: [...labelNames], buckets, registers }),
      );
      return { observe: (value, labels) => of.child(labels)?.observe(value) };
    },
  };
}

const addressInside = /(?:^|[^\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/;

const safe = (value: string): string => (isIP(value) !== 0 || addressInside.test(value) ? 'address' : value);
