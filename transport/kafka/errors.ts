import { WeirError, messageOf } from '../../pipeline/errors.ts';

/** What kafkajs puts on its errors, beside the message. */
interface KafkaFault {
  readonly name?: string;
  readonly type?: string;
  readonly cause?: unknown;
  readonly code?: string;
}

/** The error and its causes, outermost first. */
function* chain(error: unknown): Generator<{ name: string; type: string; code: string; message: string }> {
  let at: unknown = error;
  for (let depth = 0; depth < 10 && at !== undefined && at !== null; depth++) {
    const fault = at as KafkaFault;
    yield { name: fault.name ?? '', type: fault.type ?? '', code: fault.code ?? '', message: messageOf(at) };
    at = fault.cause;
  }
}

const REFUSED = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'SECURITY_DISABLED',
  'INVALID_TOPIC_EXCEPTION',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_REQUIRED_ACKS',
  'POLICY_VIOLATION',
  'UNSUPPORTED_VERSION',
  'INVALID_RECORD',
]);

/** Seen for a while after a topic was made or a broker came back; for good only when the topic is missing. */
const MISSING = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID']);

const CERTIFICATE =
  /certificate|self-signed|self signed|unable to verify|UNABLE_TO|CERT_|ERR_TLS|altname|wrong version number|ssl3|tlsv1/i;

/** What kind of trouble it is: nothing helps but a person, or time. */
export function kindOf(error: unknown): 'refused' | 'missing' | 'certificate' | 'outage' {
  for (const fault of chain(error)) {
    if (REFUSED.has(fault.type)) return 'refused';
    if (MISSING.has(fault.type)) return 'missing';
    if (fault.name === 'KafkaJSSASLAuthenticationError') return 'refused';
    if (CERTIFICATE.test(`${fault.code} ${fault.message}`)) return 'certificate';
  }
  return 'outage';
}

const REBALANCE = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'NOT_COORDINATOR_FOR_GROUP',
]);

/** True when the broker deals the partitions again, or has done so already. */
export function isRebalance(error: unknown): boolean {
  for (const fault of chain(error)) if (REBALANCE.has(fault.type)) return true;
  return false;
}

const ELECTION = new Set(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE']);

/** True when a partition has no leader yet, or another than was known: topics are new, or a broker went. */
export function isElection(error: unknown): boolean {
  for (const fault of chain(error)) if (ELECTION.has(fault.type)) return true;
  return false;
}

/** An error of kafkajs as one of ours: what was done, at which brokers, and what to do about it. */
export function explain(error: unknown, doing: string): WeirError {
  if (error instanceof WeirError) return error;
  const faults = [...chain(error)];
  const own = findWeirError(error);
  if (own) return own;
  const text = faults.find((f) => f.type !== '')?.message ?? messageOf(error);
  const cause = { cause: error };
  const kind = kindOf(error);
  if (kind === 'refused') {
    const advice = "check kafka.sasl and the ACLs ('weir setup kafka' prints those needed)";
    return new WeirError('log_misconfigured', `${doing}: the broker refused: ${text}; ${advice}`, cause);
  }
  if (kind === 'missing') {
    return new WeirError(
      'log_misconfigured',
      `${doing}: ${text}; 'weir setup kafka' creates the topics`,
      cause,
    );
  }
  if (kind === 'certificate')
    return new WeirError('tls_invalid', `${doing}: ${text}; check kafka.tls`, cause);
  // kafkajs says the same when no broker answers and when this user may not use the group.
  const hint = /Failed to find group coordinator/.test(text) ? ', or this user may not use the group' : '';
  return new WeirError('log_unavailable', `${doing}: ${text}${hint}`, cause);
}

function findWeirError(error: unknown): WeirError | null {
  let at: unknown = error;
  for (let depth = 0; depth < 10 && at; depth++) {
    if (at instanceof WeirError) return at;
    at = (at as KafkaFault).cause;
  }
  return null;
}
