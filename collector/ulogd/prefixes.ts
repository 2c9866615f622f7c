import { newPolicyRef, type PolicyRef, type Verdict } from '../../schema/records.ts';
import type { Options } from './options.ts';

export interface Meaning {
  readonly verdict: Verdict;
  readonly policy: PolicyRef | null;
}

const UNKNOWN: Meaning = { verdict: 'unknown', policy: null };
const MAX_KNOWN = 4096;
/** NFLOG cuts prefixes at 64 bytes (linux/netfilter/nfnetlink_log.h, NF_LOG_PREFIXLEN 128 in newer kernels). */
const MAX_PREFIX = 128;

const ofWildcards = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .trim()
      .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '[^]*')}$`,
    'i',
  );

/** What each log prefix means by the rules in order; the answers are remembered, as there are few prefixes. */
export function meanings(rules: Options['prefixes']): (prefix: string) => Meaning {
  const compiled = rules.map((rule) => ({
    rule,
    pattern: rule.prefix === undefined ? new RegExp(rule.regex ?? '') : ofWildcards(rule.prefix),
  }));
  const known = new Map<string, Meaning>();
  const find = (prefix: string): Meaning => {
    for (const { rule, pattern } of compiled) {
      const match = pattern.exec(prefix);
      if (!match) continue;
      const { groups } = match;
      const name = rule.policy?.name ?? groups?.['policy'] ?? null;
      const namespace = rule.policy?.namespace ?? groups?.['namespace'] ?? null;
      if (name === null && namespace === null && rule.policy === undefined)
        return { verdict: rule.verdict, policy: null };
      const policy = newPolicyRef();
      policy.kind = rule.policy?.kind ?? null;
      policy.namespace = namespace;
      policy.name = name;
      policy.rule = rule.policy?.rule ?? groups?.['rule'] ?? null;
      policy.action = rule.verdict === 'unknown' ? null : rule.verdict;
      return { verdict: rule.verdict, policy };
    }
    return UNKNOWN;
  };
  return (raw) => {
    const prefix = raw.slice(0, MAX_PREFIX).trim();
    let meaning = known.get(prefix);
    if (!meaning) {
      if (known.size >= MAX_KNOWN) known.clear();
      known.set(prefix, (meaning = find(prefix)));
    }
    return meaning.policy === null ? meaning : { verdict: meaning.verdict, policy: { ...meaning.policy } };
  };
}
