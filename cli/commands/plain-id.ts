/** Arguments in which the id after an action may begin with a dash, and is no option then. */
export const withPlainId = ([action, id, ...rest]: readonly string[]): string[] =>
  (action === 'show' || action === 'ack' || action === 'close') && id !== undefined && /^-[\w-]{21}$/.test(id)
    ? [action, ...rest, '--', id]
    : [action, id, ...rest].filter((each) => each !== undefined);
