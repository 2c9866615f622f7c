import { isIP } from 'node:net';
import { WeirError } from '../pipeline/errors.ts';

/** Reads `:9464`, `127.0.0.1:0` or `[::1]:9464`; without a host it is every interface. Throws `config_invalid`. */
export function parseListen(text: string): { readonly host: string | undefined; readonly port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535 || (bracketed !== undefined && isIP(bracketed) !== 6)) {
    throw new WeirError(
      'config_invalid',
      `listen address '${text}': expected HOST:PORT, [IPV6]:PORT or :PORT`,
    );
  }
  const host = bracketed ?? plain ?? '';
  return { host: host === '' ? undefined : host, port };
}
