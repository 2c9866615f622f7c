import type { WeirError } from '../../pipeline/errors.ts';
import type { Target } from './target.ts';

/** Framed messages of one write. */
export interface Frames {
  readonly bytes: Buffer;
  /** How many messages. */
  readonly count: number;
  /** Number of the first of them, where the connection numbers them; 0 elsewhere. */
  readonly firstTransaction: number;
  /** Called when the bytes are not needed any more; never when the connection broke over them. */
  readonly release: () => void;
}

/** An open stream to a receiver. */
export interface Connection {
  readonly target: Target;
  /** The receiver says itself what it has taken. */
  readonly acknowledges: boolean;
  /** Number for one more message, for connections that number them; frames are written in that order. */
  transaction(): number;
  /**
   * `flushed` when the bytes are with the kernel; `taken` at the same time or, where the receiver acknowledges, when
   * it has answered all messages, with the positions of those that it refused. Neither once the connection is closed.
   */
  write(frames: Frames, flushed: () => void, taken: (refused: readonly number[]) => void): void;
  /** Resolves, never rejects, with the reason as soon as either side is known to close. */
  readonly closed: Promise<WeirError>;
  /** Gives up the connection at once. */
  destroy(reason: WeirError): void;
  /** Sends what is still buffered and closes. */
  end(): void;
}

/** The bytes below it. */
export interface RawConnection extends Pick<Connection, 'target' | 'closed' | 'destroy' | 'end'> {
  write(bytes: Buffer, flushed: () => void): void;
  /** Who is given what the receiver sends; nobody before. */
  onData(listener: (chunk: Buffer) => void): void;
}
