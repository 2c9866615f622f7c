/** The configuration: one YAML file for all roles, checked as a whole. */
import type { LoadOptions } from './load.ts';
import { loadConfig, parseConfig } from './load.ts';
import { registries } from './registries.ts';
import type { Config } from './config.ts';

export type { Config, DetectorConfig, Role, SinkConfig, SourceConfig } from './config.ts';
export type { LoadedRule, RulesConfig } from './rules.ts';
export { roles } from './config.ts';
export { configYaml } from './redact.ts';
export { ConfigError } from './problems.ts';

type Given = Omit<LoadOptions, 'registries'>;

/** Reads a file, against the components there are. Throws ConfigError with every problem. */
export const readConfig = (path: string, given: Given): Config => loadConfig(path, { ...given, registries });

/** The same for text that is in no file, such as the built-in default. */
export const configFrom = (yaml: string, given: Given): Config =>
  parseConfig(yaml, { ...given, registries, file: null });
