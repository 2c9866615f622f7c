/** The header with which a receiver knows who asks; none without credentials. */
export function authorization(
  auth:
    | { readonly token: string }
    | { readonly apiKey: string }
    | { readonly username: string; readonly password: string }
    | undefined,
): Readonly<Record<string, string>> {
  if (auth === undefined) return {};
  if ('token' in auth) return { authorization: `Bearer ${auth.token}` };
  if ('apiKey' in auth) return { authorization: `ApiKey ${auth.apiKey}` };
  const text = Buffer.from(`${auth.username}:${auth.password}`).toString('base64');
  return { authorization: `Basic ${text}` };
}
