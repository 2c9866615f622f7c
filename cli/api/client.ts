import { request } from 'node:http';
import { createInterface } from 'node:readline';
import type { IncomingMessage } from 'node:http';
import { errorCodes, messageOf, WeirError, type ErrorCode } from '../../pipeline/errors.ts';
import type { Replayed } from '../../pipeline/letter-box.ts';
import { isChange, type Completeness, type Letter, type Observed, type Running } from './forensics.ts';
import type { Alert, Flow, Incident } from '../../schema/records.ts';
import type { Decided } from '../wire/decisions.ts';
import type { Report } from '../wire/process.ts';

/** The running process behind a socket; null when none answers there. */
export async function connect(path: string): Promise<Running | null> {
  try {
    (await get(path, '/v1/status')).resume();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'ECONNREFUSED', 'ENOTDIR'].includes(code)) return null;
    throw new WeirError('not_connected', `cannot ask the process at ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return {
    async status() {
      for await (const line of lines<Report>(path, '/v1/status')) return line;
      throw new WeirError('not_connected', `${path} gave no status`);
    },
    async *flows(search) {
      let page: Flow[] = [];
      for await (const { flow } of lines<{ flow: Flow }>(path, '/v1/flows', {
        search: JSON.stringify(search),
      })) {
        page.push(flow);
        if (page.length === 500) {
          yield page;
          page = [];
        }
      }
      if (page.length > 0) yield page;
    },
    async completeness(range) {
      for await (const line of lines<Completeness>(path, '/v1/completeness', {
        range: JSON.stringify(range),
      }))
        return line;
      throw new WeirError('not_connected', `${path} gave no answer`);
    },
    alerts: (search) => alerts(path, '/v1/alerts', { search: JSON.stringify(search) }),
    alert: (id) => alerts(path, '/v1/alert', { id }),
    incidents: (search) => incidents(path, '/v1/incidents', { search: JSON.stringify(search) }),
    incident: (id) => incidents(path, '/v1/incident', { id }),
    async letters(search) {
      const found: Letter[] = [];
      for await (const { letter } of lines<{ letter: Letter }>(path, '/v1/deadletters', {
        search: JSON.stringify(search),
      }))
        found.push(letter);
      return found;
    },
    async decide(wanted) {
      const parameters = { wanted: JSON.stringify(wanted) };
      for await (const line of lines<Decided>(path, '/v1/decide', parameters)) return line;
      throw new WeirError('not_connected', `${path} gave no answer`);
    },
    async replayLetters(search, told, signal) {
      const parameters = { search: JSON.stringify(search) };
      for await (const outcome of lines<Replayed>(path, '/v1/deadletters/replay', parameters, { signal }))
        await told(outcome);
    },
    async *observe(signal) {
      yield* lines<Observed>(path, '/v1/observe', {}, { signal });
    },
  };
}

async function alerts(path: string, resource: string, parameters: Record<string, string>): Promise<Alert[]> {
  const found: Alert[] = [];
  for await (const { alert } of lines<{ alert: Alert }>(path, resource, parameters)) found.push(alert);
  return found;
}

async function incidents(
  path: string,
  resource: string,
  parameters: Record<string, string>,
): Promise<Incident[]> {
  const found: Incident[] = [];
  for await (const { incident } of lines<{ incident: Incident }>(path, resource, parameters))
    found.push(incident);
  return found;
}

async function* lines<T>(
  path: string,
  resource: string,
  parameters: Record<string, string> = {},
  how: Asking = {},
): AsyncGenerator<T> {
  const { signal } = how;
  const response = await get(path, `${resource}?${new URLSearchParams(parameters).toString()}`, how);
  try {
    for await (const text of createInterface({ input: response, crlfDelay: Infinity })) {
      if (text === '') continue;
      const line = JSON.parse(text) as T & { error?: { code: string; message: string } };
      if (line.error) {
        const code = line.error.code in errorCodes ? (line.error.code as ErrorCode) : 'not_connected';
        throw new WeirError(code, line.error.message);
      }
      yield line as Awaited<T>;
    }
  } catch (error) {
    if (signal?.aborted) return;
    throw error;
  } finally {
    response.destroy();
  }
}

interface Asking {
  readonly signal?: AbortSignal;
}

function get(path: string, resource: string, how: Asking = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const method = isChange(resource) ? 'POST' : 'GET';
    request({ socketPath: path, path: resource, method, ...how }, (response) => {
      if (response.statusCode === 200) resolve(response);
      else reject(new Error(`status ${response.statusCode}`));
    })
      .on('error', reject)
      .end();
  });
}
