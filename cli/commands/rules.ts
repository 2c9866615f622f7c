import { parseArgs } from 'node:util';
import { runCases } from '../../detectors/rule/cases.ts';
import { configFrom, ConfigError, readConfig, type LoadedRule } from '../config/index.ts';
import { fileLabel, readRuleFile, shippedPath } from '../config/rules.ts';
import { shippedFiles } from '../config/rules-section.ts';
import { csvLine } from '../format/csv.ts';
import { jsonLine } from '../format/json.ts';
import { severityStyle } from '../format/records.ts';
import { safeText } from '../format/text.ts';
import { tableLines, type Column } from '../format/table.ts';
import { countText } from '../format/units.ts';
import { formatOf, formats, paintOf, print, widthOf } from './ask.ts';
import { exit, UsageError, type Command, type World } from './command.ts';
import { configPath } from './places.ts';

const usage = `weir rules list [--config FILE] [--format table|json|csv]
weir rules test [FILE...] [--config FILE]

Rules of your own, and those that come with Weir.

  list              every rule of the configuration: where it is written, whether it runs, its severity
  test FILE         checks the rules of a file and runs the cases that are written beside them; without a file, all
                    of the configuration. Exits with 3 when a case fails, with 2 when a rule cannot be used.
                    Files that come with Weir: ${shippedFiles.map((name) => `weir:${name}`).join(', ')}
  --config FILE     configuration
  --format FORMAT   table, json (one object a line) or csv`;

export const rules: Command = {
  summary: 'list the rules, run the tests beside them',
  usage,
  async run(args, world) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { config: { type: 'string' }, format: { type: 'string' } },
    });
    const [action = 'list', ...files] = positionals;
    if (action === 'list')
      return list(configured(values.config, world), formatOf(values.format, formats), world);
    if (action !== 'test') throw new UsageError(`there is no 'rules ${action}': expected list or test`);
    return test(files.length === 0 ? configured(values.config, world) : files.flatMap(rulesOf), world);
  },
};

/** Rules of the configuration; those that come with Weir where there is none. */
function configured(path: string | undefined, world: World): readonly LoadedRule[] {
  const file = configPath(path, world.env);
  const given = { env: world.env, role: 'detectors', withoutSecrets: true } as const;
  return (file === null ? configFrom('{}', given) : readConfig(file, given)).rules.loaded;
}

function rulesOf(file: string): LoadedRule[] {
  const shipped = shippedFiles.find((name) => file === `weir:${name}`);
  const found = readRuleFile(shipped === undefined ? file : shippedPath(shipped));
  if (found.problems.length > 0) throw new ConfigError(found.problems);
  return found.rules.map((rule) => ({ ...rule, runs: rule.definition.enabled }));
}

const stateOf = ({ runs }: LoadedRule): string => (runs ? 'on' : 'off');
const placeOf = ({ file, line }: LoadedRule): string =>
  line === null ? fileLabel(file) : `${fileLabel(file)}:${line}`;

const columns: readonly Column<LoadedRule>[] = [
  { title: 'NAME', text: ({ definition }) => definition.name, shrink: false },
  { title: 'STATE', text: stateOf, shrink: false },
  {
    title: 'SEVERITY',
    text: ({ definition }) => definition.severity,
    style: ({ definition }, paint) => severityStyle(definition.severity, paint),
    shrink: false,
  },
  {
    title: 'CASES',
    text: ({ definition }) => String(definition.cases.length),
    align: 'right',
    shrink: false,
  },
  { title: 'FILE', text: placeOf, shrink: false },
  { title: 'WHAT', text: ({ definition }) => definition.description ?? definition.message, min: 20 },
];

async function list(rules: readonly LoadedRule[], format: string, world: World): Promise<number> {
  if (format === 'table') {
    const lines =
      rules.length === 0
        ? []
        : tableLines(columns, rules, { width: widthOf(world), colours: paintOf(world) });
    const on = rules.filter(({ runs }) => runs).length;
    await print(
      world,
      `${[...lines, paintOf(world).dim(`${countText(rules.length, 'rule')}, ${on} on`)].join('\n')}\n`,
    );
    return exit.fine;
  }
  const rows = rules.map((rule) => ({
    name: rule.definition.name,
    file: fileLabel(rule.file),
    line: rule.line,
    state: stateOf(rule),
    severity: rule.definition.severity,
    cases: rule.definition.cases.length,
    attack: rule.definition.attack,
  }));
  await print(
    world,
    format === 'json'
      ? rows.map(jsonLine).join('')
      : csvLine(['name', 'file', 'line', 'state', 'severity', 'cases']) +
          rows
            .map((row) => csvLine([row.name, row.file, row.line ?? '', row.state, row.severity, row.cases]))
            .join(''),
  );
  return exit.fine;
}

async function test(rules: readonly LoadedRule[], world: World): Promise<number> {
  const paint = paintOf(world);
  let passed = 0;
  let failed = 0;
  let untested = 0;
  for (const rule of rules) {
    const results = runCases(rule.definition);
    if (results.length === 0) {
      untested++;
      await print(world, `${paint.yellow('none')}  ${rule.definition.name}: no case is written beside it\n`);
    }
    for (const result of results) {
      if (result.passed) passed++;
      else failed++;
      const mark = result.passed ? paint.green('ok') + '  ' : paint.red('FAIL');
      const problem = result.passed ? '' : `\n      ${placeOf(rule)}: ${safeText(result.problem)}`;
      await print(world, `${mark}  ${rule.definition.name}: ${safeText(result.name)}${problem}\n`);
    }
  }
  const rest = untested > 0 ? `, ${countText(untested, 'rule')} without cases` : '';
  await print(world, `${countText(passed + failed, 'case')}: ${passed} passed, ${failed} failed${rest}\n`);
  return failed > 0 ? exit.finding : exit.fine;
}
