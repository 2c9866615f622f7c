import net from 'node:net';
import tls from 'node:tls';
import type { Clock } from '../../pipeline/contracts.ts';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import { refuseUntrusted, tlsOptions } from './certificates.ts';
import type { Connection, RawConnection } from './connection.ts';
import type { Options } from './options.ts';
import { relpSession } from './relp.ts';
import type { Target } from './target.ts';

export type ConnectSettings = Pick<Options, 'connectTimeoutMs' | 'keepAliveMs' | 'tls'>;

/** Connects to one target. Rejects with `sink_unavailable` or `tls_invalid` naming it. */
export async function connect(
  target: Target,
  settings: ConnectSettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<Connection> {
  const raw = await connectRaw(target, settings, clock, signal);
  if (target.framing === 'relp') return relpSession(raw, settings.connectTimeoutMs, clock, signal);
  return {
    ...raw,
    acknowledges: false,
    transaction: () => 0,
    write: (frames, flushed, taken) =>
      raw.write(frames.bytes, () => {
        flushed();
        taken([]);
      }),
  };
}

async function connectRaw(
  target: Target,
  settings: ConnectSettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<RawConnection> {
  const secure = target.isSecure ? tlsOptions(target, settings.tls, clock.now()) : null;
  const address = {
    host: target.host,
    port: target.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: settings.keepAliveMs,
  };
  const socket = secure ? tls.connect({ ...address, ...secure }) : net.connect(address);

  let reason: WeirError | null = null;
  let listener: (chunk: Buffer) => void = () => {};
  const closed = new Promise<WeirError>((resolve) => {
    const over = (): void =>
      resolve(
        (reason ??= new WeirError('sink_unavailable', `${target.text}: the receiver closed the connection`)),
      );
    socket.on('error', (error) => {
      reason ??= failure(target, error);
      over();
    });
    // A syslog receiver without RELP never answers; reading is how a close is noticed. `close` comes a turn later.
    socket.on('data', (chunk: Buffer) => listener(chunk));
    socket.on('end', () => {
      over();
      socket.destroy();
    });
    socket.on('close', over);
  });

  const destroy = (why: WeirError): void => {
    reason ??= why;
    socket.destroy();
  };

  const over = new AbortController();
  const ready = new Promise<'ready'>((resolve) => {
    socket.once(secure ? 'secureConnect' : 'connect', () => resolve('ready'));
  });
  const timeout = clock
    .sleep(settings.connectTimeoutMs, AbortSignal.any([over.signal, signal]))
    .then(() => 'timeout' as const);
  const first = await Promise.race([ready, closed, timeout]);
  over.abort();
  if (first === 'timeout') {
    destroy(
      new WeirError(
        'sink_unavailable',
        signal.aborted
          ? `${target.text}: stopped while connecting`
          : `${target.text}: no connection within ${settings.connectTimeoutMs} ms`,
      ),
    );
    throw await closed;
  }
  if (first instanceof WeirError) throw first;
  if (socket instanceof tls.TLSSocket) {
    try {
      refuseUntrusted(socket, target);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }
  return {
    target,
    closed,
    destroy,
    write: (bytes, flushed) => {
      socket.write(bytes, (error) => {
        if (!error) flushed();
      });
    },
    end: () => socket.end(),
    onData: (to) => {
      listener = to;
    },
  };
}

function failure(target: Target, error: Error): WeirError {
  const code = 'code' in error ? String(error.code) : '';
  const tlsProblem = code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code === 'EPROTO';
  const what = tlsProblem ? 'TLS failed' : 'connection failed';
  return new WeirError(
    tlsProblem ? 'tls_invalid' : 'sink_unavailable',
    `${target.text}: ${what}: ${messageOf(error)}`,
    {
      cause: error,
    },
  );
}
