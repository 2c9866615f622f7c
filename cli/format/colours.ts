/** What a style function does to a text: nothing, where colour is not wanted. */
export type Style = (text: string) => string;

export interface Colours {
  readonly on: boolean;
  readonly bold: Style;
  readonly dim: Style;
  readonly red: Style;
  readonly green: Style;
  readonly yellow: Style;
  readonly blue: Style;
  readonly magenta: Style;
  readonly cyan: Style;
}

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

/**
 * Colours for a stream: none when it is no terminal, when NO_COLOR is set (https://no-color.org) or on a dumb
 * terminal; FORCE_COLOR turns them on for what is no terminal.
 */
export function wantsColour(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] && env['FORCE_COLOR'] !== '0') return true;
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

export function colours(on: boolean): Colours {
  const style = ([open, close]: readonly [number, number]): Style =>
    on ? (text) => `\u001b[${open}m${text}\u001b[${close}m` : (text) => text;
  return {
    on,
    bold: style(codes.bold),
    dim: style(codes.dim),
    red: style(codes.red),
    green: style(codes.green),
    yellow: style(codes.yellow),
    blue: style(codes.blue),
    magenta: style(codes.magenta),
    cyan: style(codes.cyan),
  };
}
