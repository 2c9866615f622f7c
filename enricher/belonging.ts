import type { NetworkFacts } from './classify.ts';
import type { Window } from './inventory/timeline.ts';
import type { Options } from './options.ts';
import type { Question } from './question.ts';

type Labels = Readonly<Record<string, string>> | null;

/** Whose an endpoint is by its namespace, and by its networks where that does not say. */
export interface Belonging {
  /** Of the namespace. */
  readonly labels: Labels;
  /** Null where neither label nor network names one; the default is for the caller to give. */
  readonly tenant: string | null;
  readonly scopes: readonly string[];
}

/** Reads tenant, scopes and team off labels, as configured. */
export function belongings(options: Pick<Options, 'tenants' | 'owners' | 'scopes'>) {
  const scopeEntries = Object.entries(options.scopes).map(([name, scope]) => ({
    name,
    labels: Object.entries(scope.namespaceLabel),
  }));

  const belonging = (
    q: Question,
    facts: NetworkFacts,
    namespace: string | null,
    window: Window,
  ): Belonging => {
    const labels =
      namespace === null
        ? null
        : (q.view?.named('Namespace', null, namespace, q.timeMs, window)?.labels ?? null);
    const { label } = options.tenants;
    const own = scopeEntries.filter(
      (scope) =>
        scope.labels.length > 0 &&
        labels !== null &&
        scope.labels.every(([key, value]) => labels[key] === value),
    );
    return {
      labels,
      tenant: (label === null ? undefined : labels?.[label]) ?? facts.tenant,
      scopes:
        own.length === 0
          ? facts.scopes
          : [...new Set([...facts.scopes, ...own.map((scope) => scope.name)])].sort(),
    };
  };

  const ownerOf = (
    ...labels: readonly (Readonly<Record<string, string>> | null | undefined)[]
  ): string | null => {
    const { label } = options.owners;
    if (label === null) return null;
    for (const map of labels) if (map?.[label] !== undefined) return map[label];
    return null;
  };

  return { belonging, ownerOf };
}
