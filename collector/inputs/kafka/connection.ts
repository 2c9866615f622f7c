import { options as kafkaOptions, type Options as KafkaOptions } from '../../../transport/kafka/options.ts';
import { WeirError } from '../../../pipeline/errors.ts';
import type { Options } from './options.ts';

/** The input's own connection settings over those of the kafka block. */
export function connectionOf(
  options: Options,
  shared: Partial<KafkaOptions> | undefined,
  name: string,
): KafkaOptions {
  const brokers = options.brokers ?? shared?.brokers;
  if (!brokers) {
    throw new WeirError(
      'config_invalid',
      `sources.${name}.from.kafka: brokers are missing, and there is no kafka block to take them from`,
    );
  }
  const tls = options.tls ?? shared?.tls;
  const sasl = options.sasl ?? shared?.sasl;
  return kafkaOptions.parse({
    brokers,
    clientId: options.clientId,
    sessionTimeoutMs: options.sessionTimeoutMs,
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  });
}
