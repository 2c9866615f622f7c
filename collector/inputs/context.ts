import type { Context, Input, OriginCursor } from '../../pipeline/contracts.ts';
import type { Options as KafkaOptions } from '../../transport/kafka/options.ts';

/** What an input is given. `name` is the source's name in the configuration. */
export type InputContext = Context & {
  /**
   * False reads what is there to its end and finishes, every origin ending with `final`; `startAt` is then
   * `beginning`. True goes on waiting for more.
   */
  readonly follow: boolean;
  /**
   * Cursors stored by earlier runs of this source. With them an input can say what was rotated away while
   * nobody read, and knows a new file from a first start. Left out, it reports neither.
   */
  readonly known?: () => Iterable<readonly [origin: string, cursor: OriginCursor]>;
  /**
   * Told of origins that were read to their end and are still to be found, so that their cursors are not forgotten:
   * history without a cursor would be read again at the next start.
   */
  readonly stillThere?: (origin: string) => void;
  /** The kafka block of the configuration, whose connection a kafka input uses where it has none of its own. */
  readonly kafka?: Partial<KafkaOptions>;
};

/** What the module of an input exports. */
export type CreateInput<Options> = (options: Options, context: InputContext) => Input;
