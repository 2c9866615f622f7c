/** Arguments in which the id after `show` may begin with a dash, and is no option then. */
export const withPlainId = ([action, id, ...rest]: readonly string[]): string[] =>
  action === 'show' && id !== undefined && /^-[\w-]{21}$/.test(id)
    ? [action, ...rest, '--', id]
    : [action, id, ...rest].filter((each) => each !== undefined);
