import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { z } from 'zod';
import { decisionActions } from '../../incidents/decisions.ts';
import { messageOf, WeirError } from '../../pipeline/errors.ts';
import type { Wanted } from '../wire/decisions.ts';
import {
  isChange,
  type AlertSearch,
  type FlowSearch,
  type LetterSearch,
  type Observed,
  type Running,
} from './forensics.ts';

/**
 * The process's own interface: HTTP over a unix socket with mode 0600, so that who may open the file may ask.
 * Answers are JSON Lines; a failure is one line `{"error": …}`, also after rows were sent.
 */
export interface ApiServer {
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface ApiOptions {
  readonly path: string;
  /** Null while no store is open: status and observe are answered all the same. */
  readonly running: Running;
  /** Every question to the store is audited. */
  readonly asked: (action: string, detail: string, rows: number) => Promise<void>;
}

const wantedKeys = z.strictObject({
  incident: z.string().min(1).max(100),
  action: z.enum(decisionActions),
  by: z.string().min(1).max(200),
  reason: z.string().min(1).max(2000).nullable(),
});

function wantedOf(text: string | null): Wanted {
  const parsed = wantedKeys.safeParse(JSON.parse(text ?? '{}'));
  if (parsed.success) return parsed.data;
  throw new WeirError('query_invalid', `not a decision about an incident: ${z.prettifyError(parsed.error)}`);
}

function letterSearch(parameters: URLSearchParams): LetterSearch {
  const { where = '', limit = 100 } = JSON.parse(parameters.get('search') ?? '{}') as Partial<LetterSearch>;
  return { where, limit };
}

type Answer = (
  parameters: URLSearchParams,
  write: (line: object) => Promise<void>,
  signal: AbortSignal,
) => Promise<void>;

export function createApi({ path, running, asked }: ApiOptions): ApiServer {
  const answers: Readonly<Record<string, Answer>> = {
    async '/v1/status'(_parameters, write) {
      await write(await running.status());
    },
    async '/v1/flows'(parameters, write) {
      const search = JSON.parse(parameters.get('search') ?? '{}') as FlowSearch;
      let rows = 0;
      try {
        for await (const page of running.flows(search))
          for (const flow of page) {
            rows++;
            await write({ flow });
          }
      } finally {
        await asked('search', JSON.stringify(search), rows);
      }
    },
    async '/v1/completeness'(parameters, write) {
      await write(await running.completeness(JSON.parse(parameters.get('range') ?? '{}') as FlowSearch));
    },
    async '/v1/alerts'(parameters, write) {
      const search = JSON.parse(parameters.get('search') ?? '{}') as AlertSearch;
      const alerts = await running.alerts(search);
      await asked('alerts', JSON.stringify(search), alerts.length);
      for (const alert of alerts) await write({ alert });
    },
    async '/v1/alert'(parameters, write) {
      const id = parameters.get('id') ?? '';
      const revisions = await running.alert(id);
      await asked('alert', id, revisions.length);
      for (const alert of revisions) await write({ alert });
    },
    async '/v1/incidents'(parameters, write) {
      const search = JSON.parse(parameters.get('search') ?? '{}') as AlertSearch;
      const incidents = await running.incidents(search);
      await asked('incidents', JSON.stringify(search), incidents.length);
      for (const incident of incidents) await write({ incident });
    },
    async '/v1/incident'(parameters, write) {
      const id = parameters.get('id') ?? '';
      const revisions = await running.incident(id);
      await asked('incident', id, revisions.length);
      for (const incident of revisions) await write({ incident });
    },
    async '/v1/deadletters'(parameters, write) {
      const search = letterSearch(parameters);
      const letters = await running.letters(search);
      await asked('deadletters', search.where, letters.length);
      for (const letter of letters) await write({ letter });
    },
    async '/v1/decide'(parameters, write) {
      const wanted = wantedOf(parameters.get('wanted'));
      await write(await running.decide(wanted));
    },
    async '/v1/deadletters/replay'(parameters, write, signal) {
      const search = letterSearch(parameters);
      let delivered = 0;
      try {
        await running.replayLetters(
          search,
          async (outcome) => {
            if (outcome.problem === null) delivered++;
            await write(outcome);
          },
          signal,
        );
      } finally {
        await asked('replay dead letters', search.where, delivered);
      }
    },
    async '/v1/observe'(_parameters, write, signal) {
      for await (const item of running.observe(signal)) await write(item);
    },
  };

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://weir');
    const answer = answers[pathname];
    if (request.method !== (isChange(pathname) ? 'POST' : 'GET') || !answer) {
      response.writeHead(404).end();
      return;
    }
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const write = async (line: object): Promise<void> => {
      if (gone.signal.aborted) throw new Error('the asker is gone');
      if (!response.write(`${JSON.stringify(line)}\n`)) await drainedOrClosed(response);
    };
    try {
      await answer(searchParams, write, gone.signal);
    } catch (error) {
      if (!gone.signal.aborted) {
        const code = error instanceof WeirError ? error.code : 'unexpected';
        response.write(`${JSON.stringify({ error: { code, message: messageOf(error) } })}\n`);
      }
    }
    response.end();
  }

  const server = createServer({ maxHeaderSize: 64 * 1024, requestTimeout: 30_000 }, (request, response) => {
    void respond(request, response);
  });
  return {
    async start() {
      rmSync(path, { force: true });
      server.listen(path);
      await once(server, 'listening');
      chmodSync(path, 0o600);
    },
    async stop() {
      if (!server.listening) return;
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(path, { force: true });
    },
  };
}

/** Leaves no listener behind, however often an answer has to wait for its reader. */
const drainedOrClosed = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });

/** Hands what passes to those who look on; one who is slow misses some, and nobody is held up. */
export interface Lookout {
  show(item: Observed): void;
  readonly watched: boolean;
  watch(signal: AbortSignal): AsyncGenerator<Observed>;
}

const MAX_UNSEEN = 2000;

export function createLookout(): Lookout {
  const watchers = new Set<{ unseen: Observed[]; wake: () => void }>();
  return {
    get watched() {
      return watchers.size > 0;
    },
    show(item) {
      for (const watcher of watchers) {
        if (watcher.unseen.length < MAX_UNSEEN) watcher.unseen.push(item);
        watcher.wake();
      }
    },
    async *watch(signal) {
      const watcher = { unseen: [] as Observed[], wake: () => {} };
      watchers.add(watcher);
      const abort = (): void => watcher.wake();
      signal.addEventListener('abort', abort);
      try {
        while (!signal.aborted) {
          if (watcher.unseen.length === 0)
            await new Promise<void>((resolve) => {
              watcher.wake = resolve;
            });
          yield* watcher.unseen.splice(0);
        }
      } finally {
        signal.removeEventListener('abort', abort);
        watchers.delete(watcher);
      }
    },
  };
}
