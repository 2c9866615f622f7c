import { FAILED, PUBLIC, TRANSPORT, type ContactRing } from './contact-ring.ts';
import { transports } from '../contact.ts';
import { sequentialTest } from '../stats/sequential-test.ts';
import type { Options } from './options.ts';

/** What a source was found doing. The order is that of the code kept in an alert's facts. */
export const shapes = ['vertical', 'horizontal', 'sweep', 'slow'] as const;
export type Shape = (typeof shapes)[number];

/** Whether a contact of the ring belongs to what its newest was decided on. */
export function belongs(ring: ContactRing, age: number, shape: Shape): boolean {
  const isEcho = (ring.kind(age) & TRANSPORT) === transports.icmp;
  if (shape === 'sweep' || isEcho) return shape === 'sweep' && isEcho;
  if (shape === 'vertical') return ring.host(age) === ring.host(0);
  return shape === 'slow' || ring.port(age) === ring.port(0);
}

/** A rule that was met: what it counted, over what time, against which threshold. */
export interface Decision {
  readonly shape: Shape;
  readonly observed: number;
  readonly threshold: number;
  readonly windowMs: number;
}

const MINUTE_MS = 60_000;
/** Failures of one host, or share of the three commonest ports, without which a mesh of peers is no scan. */
const FOCUS_PORTS = 5;
const FOCUS_SHARE = 0.6;
/** Service ports over hosts of ours from which on failures without a focus are a search at random: a mesh has one port a peer. */
const SCATTERED_PORTS = 10;
/** Linux takes client ports from here on, and what peers agree on between themselves is among them. */
const EPHEMERAL_FROM = 32_768;

export interface Rules {
  /** Judges the newest contact of the ring. `walk` is the sequential test's log-likelihood ratio. */
  decide(ring: ContactRing, walk: number): Decision | null;
  /** Steps of the sequential test. */
  readonly failureStep: number;
  readonly successStep: number;
  readonly lowerBound: number;
  readonly upperBound: number;
}

/**
 * Counting rules over the last minutes (after Zeek's scan policy, Elastic's network scan rule and their measured
 * results) and a sequential test over first contacts, which has no window and so finds slow scans.
 */
export function createRules(options: Options): Rules {
  const sensitive = new Set(options.sensitivePorts);
  const {
    successStep,
    failureStep,
    upper: upperBound,
  } = sequentialTest({
    usualSuccess: options.benignSuccess,
    suspectSuccess: options.scannerSuccess,
    alpha: options.alpha,
    beta: options.alpha,
  });

  /** Fewer contacts with one host are no scan of it, whenever they were and whatever became of them. */
  const fewestOnHost = Math.min(options.verticalFailed, options.verticalAny, options.sensitiveFailed);

  function onHost(ring: ContactRing): Decision | null {
    // Most sources that are looked at one by one are busy, and meet many hosts: this alone ends nearly all.
    if (ring.withHost() < fewestOnHost) return null;
    const now = ring.timeMs(0);
    const host = ring.host(0);
    let failed = 0;
    let inMinute = 0;
    let sensitiveInMinute = 0;
    let sensitiveFailed = 0;
    for (let age = 0; age < ring.length; age++) {
      const agoMs = now - ring.timeMs(age);
      if (agoMs > options.windowMs && agoMs > MINUTE_MS) break;
      if (ring.host(age) !== host) continue;
      const kind = ring.kind(age);
      if ((kind & TRANSPORT) === transports.icmp) continue;
      const hasFailed = (kind & FAILED) !== 0;
      if (hasFailed && agoMs <= options.windowMs) failed++;
      if (agoMs > MINUTE_MS) continue;
      const port = ring.port(age);
      // Answered client ports are passive transfers and dynamic services, not a search.
      if (hasFailed || port < 32_768) inMinute++;
      if (sensitive.has(port)) {
        sensitiveInMinute++;
        if (hasFailed) sensitiveFailed++;
      }
    }
    if (failed >= options.verticalFailed) {
      return decision('vertical', failed, options.verticalFailed, options.windowMs);
    }
    if (inMinute >= options.verticalAny)
      return decision('vertical', inMinute, options.verticalAny, MINUTE_MS);
    if (sensitiveInMinute >= options.sensitiveFailed && sensitiveFailed >= 1) {
      return decision('vertical', sensitiveInMinute, options.sensitiveFailed, MINUTE_MS);
    }
    return null;
  }

  function onPort(ring: ContactRing): Decision | null {
    const now = ring.timeMs(0);
    const port = ring.port(0);
    const transport = ring.kind(0) & TRANSPORT;
    const least = transport === transports.udp ? options.horizontalFailedUdp : options.horizontalFailed;
    if (transport !== transports.icmp && ring.failedOnPort() < least) return null;
    let failed = 0;
    let met = 0;
    let metInside = 0;
    let failedElsewhere = 0;
    for (let age = 0; age < ring.length && now - ring.timeMs(age) <= options.windowMs; age++) {
      const kind = ring.kind(age);
      const here =
        (kind & TRANSPORT) === transport && (transport === transports.icmp || ring.port(age) === port);
      if (here) met++;
      if (here && (kind & PUBLIC) === 0) metInside++;
      if ((kind & FAILED) === 0) continue;
      if (here) failed++;
      else failedElsewhere++;
    }
    const { windowMs } = options;
    const enough = failed >= met * options.horizontalShare;
    if (transport === transports.icmp) {
      // A client that pings many hosts of the internet, most of which answer, is choosing the nearest.
      if (metInside >= options.sweepHosts) return decision('sweep', metInside, options.sweepHosts, windowMs);
      if (failed < options.horizontalFailed || failed * 2 < met) return null;
      return decision('sweep', failed, options.horizontalFailed, windowMs);
    }
    if (failed < least || !enough) return null;
    // Peers of a mesh fail on as many ports as hosts; a search has one port in mind.
    return failed * 2 >= failedElsewhere ? decision('horizontal', failed, least, windowMs) : null;
  }

  /** Whether the failures point somewhere: many ports of one host, few ports over all, or what hosts of ours may serve. */
  function isFocused(ring: ContactRing): boolean {
    const byHost = new Map<number, number>();
    const byPort = new Map<number, number>();
    const served = new Set<number>();
    let failed = 0;
    for (let age = 0; age < ring.length; age++) {
      if ((ring.kind(age) & FAILED) === 0) continue;
      failed++;
      byHost.set(ring.host(age), (byHost.get(ring.host(age)) ?? 0) + 1);
      byPort.set(ring.port(age), (byPort.get(ring.port(age)) ?? 0) + 1);
      if ((ring.kind(age) & PUBLIC) === 0 && ring.port(age) < EPHEMERAL_FROM) served.add(ring.port(age));
    }
    if (served.size >= SCATTERED_PORTS || Math.max(0, ...byHost.values()) >= FOCUS_PORTS) return true;
    const [first = 0, second = 0, third = 0] = [...byPort.values()].sort((a, b) => b - a);
    return first + second + third >= failed * FOCUS_SHARE;
  }

  return {
    failureStep,
    successStep,
    lowerBound: -Math.log(99),
    upperBound,
    decide(ring, walk) {
      const found =
        onHost(ring) ??
        ((ring.kind(0) & FAILED) !== 0 || (ring.kind(0) & TRANSPORT) === transports.icmp
          ? onPort(ring)
          : null);
      if (found !== null) return found;
      if (walk < upperBound || !isFocused(ring)) return null;
      const oldestMs = ring.timeMs(ring.length - 1);
      return decision('slow', walk, upperBound, ring.timeMs(0) - oldestMs);
    },
  };
}

const decision = (shape: Shape, observed: number, threshold: number, windowMs: number): Decision => ({
  shape,
  observed,
  threshold,
  windowMs,
});
