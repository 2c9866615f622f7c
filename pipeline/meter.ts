/** The narrow face of the metrics library: what a component may count. Names are snake_case without prefix. */
export interface Meter {
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  gauge(name: string, help: string, labels?: readonly string[]): Gauge;
  histogram(name: string, help: string, labels?: readonly string[]): Histogram;
}
export interface Counter {
  add(value: number, labels?: Readonly<Record<string, string>>): void;
}
export interface Gauge {
  set(value: number, labels?: Readonly<Record<string, string>>): void;
}
export interface Histogram {
  observe(value: number, labels?: Readonly<Record<string, string>>): void;
}

const nothing = { add() {}, set() {}, observe() {} };

/** Counts nothing; for tools that end before anyone could scrape them. */
export const noMeter: Meter = { counter: () => nothing, gauge: () => nothing, histogram: () => nothing };
