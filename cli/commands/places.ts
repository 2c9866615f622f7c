import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { configFrom, readConfig, type Config } from '../config/index.ts';
import { UsageError } from './command.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Configuration to use: what was asked for, else $WEIR_CONFIG, else /etc/weir/weir.yaml when it is there. */
export function configPath(asked: string | undefined, env: Env): string | null {
  const path = asked ?? env['WEIR_CONFIG'];
  if (path !== undefined) return path;
  return existsSync('/etc/weir/weir.yaml') ? '/etc/weir/weir.yaml' : null;
}

/** $WEIR_STATE_DIR, else the XDG state directory. */
export function defaultStateDir(env: Env): string {
  if (env['WEIR_STATE_DIR']) return env['WEIR_STATE_DIR'];
  return join(env['XDG_STATE_HOME'] ?? join(env['HOME'] ?? homedir(), '.local', 'state'), 'weir');
}

/** Where the flows and alerts of the last replay lie, whatever configuration it used. */
export const lastReplayDir = (env: Env): string => join(defaultStateDir(env), 'replay', 'last');

/** State directories a command may be about, the likeliest first; the demo's comes last. */
export function stateDirs(
  asked: string | undefined,
  env: Env,
): { readonly config: Config; readonly demo: boolean }[] {
  const path = configPath(asked, env);
  if (path !== null) return [{ config: readConfig(path, { env }), demo: false }];
  const plain = configFrom('{}', { env });
  const dir = join(defaultStateDir(env), 'demo', 'state');
  return [
    { config: plain, demo: false },
    { config: { ...plain, cluster: 'demo', state: { ...plain.state, dir } }, demo: true },
  ];
}

export const needsConfig = (asked: string | undefined, env: Env): string => {
  const path = configPath(asked, env);
  if (path === null) throw new UsageError('which configuration? Give --config FILE or set WEIR_CONFIG');
  return path;
};
