#!/usr/bin/env node
import { systemClock } from '../pipeline/clock.ts';
import { messageOf, WeirError, type ErrorCode } from '../pipeline/errors.ts';
import { caret, QueryError } from '../query/errors.ts';
import { exit, UsageError, type World } from './commands/command.ts';
import { nearest } from '../query/suggest.ts';
import { commands, overview } from './commands/index.ts';
import { ConfigError } from './config/index.ts';

/** Longer than every grace period: what has not ended by then waits for something that is gone. */
const LAST_MS = 30_000;

/** SIGINT or SIGTERM asks for an orderly end; the second one, or the time for it being over, ends at once. */
function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(exit.failed);
      stop.abort();
      setTimeout(() => process.exit(exit.failed), LAST_MS).unref();
    });
  return stop.signal;
}

async function main(): Promise<number> {
  const [name = 'help', ...args] = process.argv.slice(2);
  const { stdout, stderr, env } = process;
  // Who reads the output, such as `head`, has seen enough.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exit.fine);
    stderr.write(`weir: the output cannot be written: ${messageOf(error)}\n`);
    process.exit(exit.failed);
  });
  if (name === 'help' || name === '--help' || name === '-h') {
    const about = args[0] === undefined ? undefined : commands[args[0]];
    stdout.write(`${about ? about.usage : overview()}\n`);
    return exit.fine;
  }
  const known = name === '--version' ? 'version' : name;
  const command = Object.hasOwn(commands, known) ? commands[known] : undefined;
  if (!command) {
    const near = nearest(name, Object.keys(commands));
    const hint = near === undefined ? '' : `; did you mean '${near}'?`;
    stderr.write(`weir: there is no command '${name}'${hint}\n\n${overview()}\n`);
    return exit.usage;
  }
  if (args.includes('--help') || args.includes('-h')) {
    stdout.write(`${command.usage}\n`);
    return exit.fine;
  }
  const world: World = { env, stdout, stderr, clock: systemClock, stop: stopOnSignals() };
  try {
    return await command.run(args, world);
  } catch (error) {
    return explain(error, known);
  }
}

/** Codes of what could not be reached. */
const unreached = new Set<ErrorCode>(['not_connected', 'log_unavailable', 'sink_unavailable']);

function explain(error: unknown, command: string): number {
  const { stderr } = process;
  const code = (error as { code?: string }).code ?? '';
  if (error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS')) {
    // Of Node's own message only the first sentence is about what was typed.
    const message = code.startsWith('ERR_PARSE_ARGS') ? messageOf(error).split('. ')[0]! : messageOf(error);
    stderr.write(`weir: ${message}\n\nweir help ${command} shows how it is used.\n`);
    return exit.usage;
  }
  if (error instanceof ConfigError) {
    stderr.write(`${error.message}\n`);
    return exit.usage;
  }
  if (error instanceof WeirError) {
    stderr.write(`weir: ${error.message}\n${error instanceof QueryError ? `${caret(error)}\n` : ''}`);
    if (error.code === 'config_invalid' || error.code === 'query_invalid') return exit.usage;
    return unreached.has(error.code) ? exit.notConnected : exit.failed;
  }
  stderr.write(`weir: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return exit.failed;
}

process.exitCode = await main();
