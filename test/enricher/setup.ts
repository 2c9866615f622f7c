import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Context } from '../../pipeline/contracts.ts';
import { createEnricher, type Enricher, type EnricherContext } from '../../enricher/index.ts';
import { options } from '../../enricher/options.ts';
import type { Flow } from '../../schema/records.ts';
import { manualClock, testContext, type ManualClock } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { aFlow, T0, type FlowParts } from '../helpers/flows.ts';

/** A Kubernetes object in short, made when nothing else is said at the beginning of time. */
export function object(
  kind: string,
  name: string,
  rest: Record<string, unknown> = {},
): Record<string, unknown> {
  const {
    namespace,
    uid,
    labels,
    annotations,
    ownerReferences,
    creationTimestamp,
    deletionTimestamp,
    ...body
  } = rest;
  const metadata = {
    name,
    namespace,
    uid,
    labels,
    annotations,
    ownerReferences,
    creationTimestamp,
    deletionTimestamp,
  };
  return { apiVersion: 'v1', kind, metadata, ...body };
}

export const ownedBy = (kind: string, name: string) => ({
  ownerReferences: [{ kind, name, controller: true }],
});

/** A running pod on node-1. */
export function pod(
  namespace: string,
  name: string,
  ip: string,
  rest: Record<string, unknown> = {},
): Record<string, unknown> {
  const { spec, status, ...metadata } = rest;
  return object('Pod', name, {
    namespace,
    ...metadata,
    spec: { nodeName: 'node-1', serviceAccountName: 'sa', ...(spec as object | undefined) },
    status: { phase: 'Running', podIP: ip, ...(status as object | undefined) },
  });
}

export const asList = (items: readonly unknown[]): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

export interface Enriched {
  readonly enricher: Enricher;
  readonly clock: ManualClock;
  readonly directory: string;
  readonly path: string;
  readonly one: (parts?: FlowParts & { readonly edit?: (flow: Flow) => void }) => Promise<Flow>;
}

/** An enricher over one inventory file with these objects, in cluster `test`. */
export async function enriched(
  t: TestContext,
  items: readonly unknown[],
  config: Record<string, unknown> = {},
  overrides: Partial<Context> & Partial<EnricherContext> = {},
): Promise<Enriched> {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'cluster.json');
  writeFileSync(path, asList(items));
  utimesSync(path, T0 / 1_000 - 3_600, T0 / 1_000 - 3_600);
  const clock = manualClock();
  const parsed = options.parse({ inventory: { files: [path] }, ...config });
  const enricher = await createEnricher(parsed, { ...testContext(), clock, ...overrides });
  await enricher.start(new AbortController().signal);
  t.after(() => enricher.stop());
  return {
    enricher,
    clock,
    directory,
    path,
    async one({ edit, ...parts } = {}) {
      const flow = aFlow(parts);
      flow.source.entity = flow.destination.entity = null;
      edit?.(flow);
      const [out] = await enricher.apply([flow], new AbortController().signal);
      return out!;
    },
  };
}
