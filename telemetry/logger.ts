import { pino } from 'pino';
import type { Logger } from '../pipeline/contracts.ts';
import { textLine } from './line.ts';
import type { Options } from './options.ts';
import { scrubber } from './scrub.ts';

/** Where log lines go; standard error unless told otherwise. */
export interface LogStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export interface LoggerSettings {
  /** Values that must never be logged, such as the resolved secrets of the configuration. */
  readonly secrets?: Iterable<string>;
  readonly stream?: LogStream;
  /** For `NO_COLOR`. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * JSON lines for machines (time in ISO 8601, `level` as a word, `msg`), one readable line a message on a terminal.
 * Secrets are replaced before anything is written; writing is synchronous, so that the last words of a process
 * that dies are not lost.
 */
export function createLogger(options: Options, settings: LoggerSettings = {}): Logger {
  const stream: LogStream = settings.stream ?? process.stderr;
  const env = settings.env ?? process.env;
  const asText = options.format === 'text' || (options.format === 'auto' && stream.isTTY === true);
  const colour = asText && stream.isTTY === true && (env['NO_COLOR'] ?? '') === '';
  const scrub = scrubber(settings.secrets ?? []);
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    asText
      ? {
          write: (line) => stream.write(`${textLine(JSON.parse(line) as Record<string, unknown>, colour)}\n`),
        }
      : settings.stream
        ? { write: (line) => settings.stream?.write(line) }
        : pino.destination({ dest: 2, sync: true }),
  );
  return {
    debug: (fields, message) => {
      if (logger.isLevelEnabled('debug')) logger.debug(scrub(fields), message);
    },
    info: (fields, message) => {
      if (logger.isLevelEnabled('info')) logger.info(scrub(fields), message);
    },
    warn: (fields, message) => {
      if (logger.isLevelEnabled('warn')) logger.warn(scrub(fields), message);
    },
    error: (fields, message) => {
      logger.error(scrub(fields), message);
    },
  };
}
