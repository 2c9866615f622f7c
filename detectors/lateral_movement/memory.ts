/** Who was reached over an admin port by somebody new, and might go on from there. The latest explains what follows. */
export interface Reached {
  readonly sinceMs: number;
  /** Who reached it: key and name. */
  readonly by: string;
  readonly byName: string;
  readonly byTenant: string | null;
  readonly byPublic: boolean;
  readonly port: number;
}

/** New destinations of one source within a window that begins with the first. Lists are bounded. */
export interface FanWindow {
  readonly sinceMs: number;
  count: number;
  /** Those over admin ports. */
  admin: number;
  names: string[];
  /** Of those named. */
  tenants: string[];
  ports: number[];
}

export const newWindow = (sinceMs: number): FanWindow => ({
  sinceMs,
  count: 0,
  admin: 0,
  names: [],
  tenants: [],
  ports: [],
});
