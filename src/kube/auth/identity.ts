// What authenticates a user to the API server: a token or a client certificate, for a while.

import type { Clock } from "../../base/clock.ts";
import type { SettingsDeps } from "../../base/env.ts";
import { SettingsError } from "../../base/errors.ts";
import { textIn, type JsonObject } from "../../base/json.ts";
import type { TlsOptions } from "../../http/exchange.ts";

export type Headers = Record<string, string | readonly string[]>;

export interface Credentials {
  /** Headers for authentication and impersonation. */
  headers(): Promise<Headers>;
  tls(): Promise<TlsOptions>;
  /** Clears cached credentials after a 401. Returns whether a retry may use different ones. */
  refresh(): boolean;
}

export interface Identity {
  readonly token?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** When to read it again; in milliseconds since 1970, as `expiresAt`. */
  readonly renewAt: number;
  /** Until when it is used if it cannot be read again. */
  readonly expiresAt: number;
}

export interface CredentialDeps extends SettingsDeps {
  readonly clock: Clock;
  /** What an exec plugin gets of the user's terminal: whether it may ask there, and stderr; undefined: nobody is there. */
  readonly user?: { readonly isInteractive: boolean; readonly show: (text: string) => void } | undefined;
  /** Ends a plugin that is waited for. */
  readonly signal?: AbortSignal | undefined;
}

/** The PEM text under `KEY-data`, or in the file under `KEY`. Throws SettingsError for no base64, and when the file is missing. */
export function pemIn(object: JsonObject, key: string, deps: SettingsDeps): string | undefined {
  const inline = textIn(object[`${key}-data`]);
  if (inline !== undefined && /[^\w+/=\s-]/.test(inline))
    throw new SettingsError(`cannot read ${key}-data of the kubeconfig: it is not base64`);
  if (inline !== undefined && inline !== "") return Buffer.from(inline, "base64").toString("utf8");
  return fileIn(object, key, deps);
}

/** Whether a PEM is named, as text or as a file. */
export function hasPem(object: JsonObject, key: string): boolean {
  return Boolean(object[key]) || Boolean(object[`${key}-data`]);
}

/** The text of the file under a key of the kubeconfig. Throws SettingsError when it is missing. */
export function fileIn(object: JsonObject, key: string, { readFile }: SettingsDeps): string | undefined {
  const path = textIn(object[key]);
  if (path === undefined || path === "") return undefined;
  const text = readFile(path, "latin1");
  if (text !== undefined) return text;
  throw new SettingsError(`cannot read ${key} "${path}" of the kubeconfig: no such file`);
}
