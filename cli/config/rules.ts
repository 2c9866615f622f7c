/** Checks the section `rules` and the files it names. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { matchesGlob } from '../../collector/inputs/file/glob.ts';
import { checkRule } from '../../detectors/rule/check.ts';
import { definition, type Definition } from '../../detectors/rule/definition.ts';
import { messageOf } from '../../pipeline/errors.ts';
import { nearest } from '../../query/suggest.ts';
import { packageRoot } from '../commands/package.ts';
import { isFields, parseComponent } from './component.ts';
import { explain } from './explain.ts';
import { ConfigError, problemLines, shown, type Path, type Problem } from './problems.ts';
import { rulesKeys, shippedFiles, type RulesKeys } from './rules-section.ts';
import { parseYaml } from './yaml.ts';

/** A rule with where it is written. */
export interface LoadedRule {
  readonly definition: Definition;
  /** As it is written, from which it can be read again elsewhere. */
  readonly raw: Readonly<Record<string, unknown>>;
  readonly file: string;
  readonly line: number | null;
  /** Neither switched off in its file nor by the section's `disabled`. */
  readonly runs: boolean;
}

export interface RulesConfig {
  readonly loaded: readonly LoadedRule[];
  readonly keys: RulesKeys;
}

interface Found {
  readonly rules: Omit<LoadedRule, 'runs'>[];
  /** Lines for a ConfigError. */
  readonly problems: string[];
}

/** Path of a file of rules that comes with Weir. */
export const shippedPath = (name: (typeof shippedFiles)[number]): string =>
  join(packageRoot(), 'rules', `${name}.yaml`);

/**
 * The rules of a configuration. What is wrong in the section goes to `report`; what is wrong in a file comes back as
 * lines that name it. Files of the user are left out for a role that runs no rules.
 */
export function parseRules(
  value: unknown,
  given: { readonly file: string | null; readonly folder: string; readonly ownFiles: boolean },
  report: (problem: Problem) => void,
): { config: RulesConfig; problems: string[] } {
  const section = isFields(value) ? value : {};
  if (value !== undefined && value !== null && !isFields(value))
    report({ path: ['rules'], message: `found ${shown(value)}, expected a mapping` });
  const parsed = parseComponent(section, ['rules'], rulesKeys.pick({}), rulesKeys);
  parsed.problems.forEach(report);
  const keys = (parsed.options ?? rulesKeys.parse({})) as RulesKeys;
  const rules: Omit<LoadedRule, 'runs'>[] = [];
  const problems: string[] = [];
  const take = (found: Found): void => {
    rules.push(...found.rules);
    problems.push(...found.problems);
  };
  const files = ruleFiles(given.ownFiles ? keys : { ...keys, files: [] }, given.folder, (i, message) =>
    report({ path: ['rules', 'files', i], message }),
  );
  for (const file of files) take(readRuleFile(file));
  const inline = parsed.options === null ? [] : keys.inline;
  for (const [i, item] of inline.entries()) {
    const at = ['rules', 'inline', i];
    const rule = parseRule(item, at, report);
    if (rule) rules.push({ definition: rule, raw: item, file: given.file ?? 'configuration', line: null });
  }
  sameNames(rules, problems);
  // A name that only a file of another role knows cannot be told from a wrong one.
  if (given.ownFiles && problems.length === 0) unknownNames(keys.disabled, rules, report);
  return {
    config: {
      keys,
      loaded: rules.map((rule) => ({
        ...rule,
        runs: rule.definition.enabled && !keys.disabled.includes(rule.definition.name),
      })),
    },
    problems,
  };
}

/** The files of rules there are now: those that come with Weir, then those that patterns find. */
export const ruleFiles = (
  keys: RulesKeys,
  folder: string,
  wrong: (index: number, message: string) => void = () => {},
): string[] => [
  ...keys.shipped.map(shippedPath),
  ...keys.files.flatMap((pattern, i) => filesOf(pattern, folder, (message) => wrong(i, message))),
];

/** Reads one file of rules; every problem is a line with its place. */
export function readRuleFile(file: string): Found {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { rules: [], problems: [`${file}: the rules cannot be read: ${messageOf(error)}`] };
  }
  return parseRuleText(text, file);
}

export function parseRuleText(text: string, file: string): Found {
  let document: ReturnType<typeof parseYaml>;
  try {
    document = parseYaml(text, file);
  } catch (error) {
    if (error instanceof ConfigError) return { rules: [], problems: [...error.problems] };
    throw error;
  }
  const { value } = document;
  const positionOf: typeof document.positionOf = (path, atKey) => document.positionOf(path, atKey);
  if (value === null || value === undefined) return { rules: [], problems: [] };
  if (!Array.isArray(value))
    return { rules: [], problems: [`${file}:1:1: found ${shown(value)}, expected a list of rules`] };
  const problems: Problem[] = [];
  const rules = value.flatMap((item: unknown, i): Omit<LoadedRule, 'runs'>[] => {
    const rule = parseRule(item, [i], (problem) => problems.push(problem));
    return rule
      ? [
          {
            definition: rule,
            raw: item as LoadedRule['raw'],
            file,
            line: positionOf([i], true)?.line ?? null,
          },
        ]
      : [];
  });
  return { rules, problems: problemLines(file, problems, positionOf) };
}

function parseRule(item: unknown, at: Path, report: (problem: Problem) => void): Definition | null {
  if (!isFields(item)) {
    report({ path: at, message: `found ${shown(item)}, expected a mapping: a rule` });
    return null;
  }
  const parsed = definition.safeParse(item, { reportInput: true });
  if (!parsed.success) {
    explain(parsed.error.issues, definition, at).forEach(report);
    return null;
  }
  const problems = checkRule(parsed.data);
  for (const { path, message } of problems) report({ path: [...at, ...path], message });
  return problems.length === 0 ? parsed.data : null;
}

/** A rule that came with a control record. Throws ConfigError when this version cannot read it. */
export function definitionOf(raw: unknown, place: string): Definition {
  const problems: Problem[] = [];
  const rule = parseRule(raw, [], (problem) => problems.push(problem));
  if (rule === null) throw new ConfigError(problemLines(place, problems, () => null));
  return rule;
}

/** A path must be there; a pattern may match nothing yet. */
function filesOf(pattern: string, folder: string, wrong: (message: string) => void): string[] {
  const path = resolve(folder, pattern);
  if (!/[*?[]/.test(path)) return [path];
  if (/[*?[]/.test(dirname(path))) {
    wrong(`found '${pattern}', expected a pattern in the last name of the path only`);
    return [];
  }
  let names: string[];
  try {
    names = readdirSync(dirname(path));
  } catch {
    return [];
  }
  return names
    .filter((name) => !name.startsWith('.'))
    .map((name) => join(dirname(path), name))
    .filter((each) => matchesGlob(path, each))
    .sort();
}

function sameNames(rules: readonly Omit<LoadedRule, 'runs'>[], problems: string[]): void {
  const first = new Map<string, string>();
  for (const {
    definition: { name },
    file,
    line,
  } of rules) {
    const place = line === null ? file : `${file}:${line}`;
    const before = first.get(name);
    if (before === undefined) first.set(name, place);
    else problems.push(`${place}: found a second rule named '${name}', the first is in ${before}`);
  }
}

function unknownNames(
  disabled: readonly string[],
  rules: readonly Omit<LoadedRule, 'runs'>[],
  report: (problem: Problem) => void,
): void {
  const names = rules.map((rule) => rule.definition.name);
  for (const [i, name] of disabled.entries()) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    const hint = near === undefined ? '' : `; did you mean '${near}'?`;
    report({ path: ['rules', 'disabled', i], message: `there is no rule '${name}'${hint}` });
  }
}

/** Name of a file as a person would tell it: those that come with Weir by their short name. */
export const fileLabel = (file: string): string =>
  dirname(file) === join(packageRoot(), 'rules') ? `weir:${basename(file, '.yaml')}` : file;
