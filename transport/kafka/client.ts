import kafkajs, { type KafkaConfig, type LogEntry, type SASLOptions } from 'kafkajs';
import type { Logger } from '../../pipeline/contracts.ts';
import type { Options } from './options.ts';

/** A client of the configured brokers; connects nowhere yet. */
export function kafkaClient(options: Options, log: Logger): kafkajs.Kafka {
  // kafkajs warns on stderr about its partitioner, which is never asked here: every message names its partition.
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
  const config: KafkaConfig = {
    clientId: options.clientId,
    brokers: options.brokers,
    connectionTimeout: 5_000,
    authenticationTimeout: 10_000,
    requestTimeout: 30_000,
    enforceRequestTimeout: true,
    retry: { initialRetryTime: 200, maxRetryTime: 5_000, retries: 5 },
    logLevel: kafkajs.logLevel.WARN,
    logCreator: () => (entry) => forward(entry, log),
  };
  if (options.tls === true) config.ssl = true;
  else if (options.tls !== false) {
    const { ca, cert, key, servername, rejectUnauthorized } = options.tls;
    config.ssl = {
      rejectUnauthorized,
      ...(ca === undefined ? {} : { ca: [ca] }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
    };
  }
  if (options.sasl) config.sasl = saslOf(options.sasl);
  return new kafkajs.Kafka(config);
}

function saslOf(sasl: NonNullable<Options['sasl']>): SASLOptions {
  if (sasl.mechanism === 'oauthbearer') {
    const { token } = sasl;
    return { mechanism: 'oauthbearer', oauthBearerProvider: () => Promise.resolve({ value: token }) };
  }
  return { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password };
}

/** What the client library says is detail: errors it retries are warnings of ours, and the rest is for debugging. */
function forward({ level, namespace, log }: LogEntry, logger: Logger): void {
  const { message, timestamp: _timestamp, stack: _stack, ...fields } = log;
  const said = { ...fields, namespace, said: message };
  if (level === kafkajs.logLevel.ERROR) logger.warn(said, 'kafka client reports an error');
  else logger.debug(said, 'kafka client');
}
