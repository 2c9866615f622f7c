import { readFileSync } from 'node:fs';
import { errorCodes } from '../../pipeline/errors.ts';
import { generatedBy, table } from './markdown.ts';

/** docs/reference/errors.md: every code, whether it is retried, and what it means. */
export function errors(): string {
  const source = readFileSync('pipeline/errors.ts', 'utf8');
  const rows = Object.entries(errorCodes).map(([code, { retryable }]) => {
    // A line comment or doc comment right above the code says what it means.
    const [, comment = ''] = new RegExp(`/\\*\\* ([^\\n]*?) \\*/\\n\\s*${code}:`).exec(source) ?? [];
    return [`\`${code}\``, retryable ? 'yes' : 'no', comment || (meanings[code] ?? '')];
  });
  return [
    generatedBy('pipeline/errors.ts'),
    '# Error codes\n',
    'Every expected failure carries one of these codes, in logs (`code`), in metrics (`errors{code}`) and in the dead',
    'letter. What is retried is tried again for ever with growing, jittered pauses; what is not belongs to the record',
    '(dead letter) or to the configuration (the process says so and ends). Any other error is a bug and ends the process.\n',
    table(['code', 'retried', 'meaning'], rows),
    '',
  ].join('\n');
}

const meanings: Readonly<Record<string, string>> = {
  config_invalid: 'The configuration file is wrong; every problem is listed with file, line and column.',
  origin_unreadable: 'A file, topic or stream cannot be read now: rights, a missing mount, a broker away.',
  origin_lost:
    'What a checkpoint points at is gone: rotated away unread or past its retention. Told as a Loss.',
  line_malformed: 'A line is not in the format of its source. It is in the dead letter with its place.',
  line_too_long: 'A line is longer than `maxLineBytes`; it was skipped to its end.',
  record_failed: 'A decoder, stage or detector threw on one record. It is in the dead letter with the stack.',
  record_unencodable: 'A record does not fit its schema when written.',
  record_undecodable: 'A message is no record of its topic when read.',
  schema_unknown: 'A message names a schema that is not known yet; read again until it is.',
  quarantined: 'A record that the process died on three times, set aside.',
  log_unavailable: 'Kafka or the local log cannot be reached or written.',
  log_misconfigured:
    'A topic is missing or its settings would lose or reorder records; `weir setup kafka` shows which.',
  log_full: 'The local log has reached `state.maxBytes` and waits for its slowest consumer.',
  state_unusable:
    'A checkpoint, snapshot or state directory cannot be used: another version, lane count or owner.',
  disk_full: 'No space for a checkpoint, the local log or the store.',
  sink_unavailable: 'The far side of a sink cannot be reached or does not answer in time.',
  sink_overloaded: 'The far side asks for a pause.',
  sink_unauthorised: 'The far side refuses who we are or what we may do.',
  sink_misconfigured:
    'The far side refuses every record for a reason that only a change of settings removes.',
  sink_refused_record: 'The far side refuses this record; it is in the dead letter with the reason given.',
  tls_invalid: 'A certificate is expired, not trusted or for another name.',
  query_invalid: 'A query cannot be parsed, or names a field its records do not have; the column is given.',
  not_connected: 'A command found no running process to ask.',
};
