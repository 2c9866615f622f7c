import type { Command } from './command.ts';
import { alerts } from './alerts.ts';
import { baseline } from './baseline.ts';
import { check } from './check.ts';
import { config } from './config.ts';
import { deadletter } from './deadletter.ts';
import { demo } from './demo.ts';
import { docs } from './docs.ts';
import { incidents } from './incidents.ts';
import { observe } from './observe.ts';
import { replay } from './replay.ts';
import { rules } from './rules.ts';
import { run } from './run.ts';
import { search } from './search.ts';
import { setup } from './setup.ts';
import { sinks } from './sinks.ts';
import { status } from './status.ts';
import { suppress } from './suppress.ts';
import { version } from './version.ts';

export const commands: Readonly<Record<string, Command>> = {
  run,
  status,
  observe,
  search,
  alerts,
  incidents,
  suppress,
  deadletter,
  replay,
  baseline,
  rules,
  sinks,
  check,
  setup,
  config,
  demo,
  docs,
  version,
};

/** What `weir` alone prints. */
export function overview(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `weir COMMAND [OPTIONS]\n\n${lines.join('\n')}\n\nweir help COMMAND shows its options. Exit codes: 0 fine, 1 failed, 2 wrong use or configuration,\n3 something is wrong (check, status), 4 cannot connect, 5 partly done.`;
}
