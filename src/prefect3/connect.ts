// Connects to Prefect 2 or 3. Loaded only when there are flow runs of Prefect 2 or 3.

import tls from "node:tls";
import type { Env } from "../base/env.ts";
import { proxyEnvOf } from "../base/env.ts";
import { SettingsError } from "../base/errors.ts";
import { redactUrl } from "../base/redact-url.ts";
import { Prefect3Client } from "./client.ts";

export interface Prefect3Target {
  /** PREFECT_API_URL. */
  readonly url: string;
  /** PREFECT_API_KEY. */
  readonly apiKey?: string | undefined;
  /** PREFECT_API_AUTH_STRING. */
  readonly authString?: string | undefined;
}

/** `env` has the proxy variables. Throws SettingsError when the URL is invalid. */
export function connectPrefect3(target: Prefect3Target, env: Env, timeoutMs: number): Prefect3Client {
  const { url } = target;
  const protocol = URL.canParse(url) ? new URL(url).protocol : "";
  if (protocol !== "http:" && protocol !== "https:") {
    throw new SettingsError(`cannot use PREFECT_API_URL "${redactUrl(url)}": not an http(s) URL`, {
      hint: "write it like http://localhost:4200/api",
    });
  }
  const ca =
    protocol === "https:"
      ? [...new Set([...tls.getCACertificates("default"), ...tls.getCACertificates("system")])]
      : undefined;
  return new Prefect3Client({
    ...target,
    timeoutMs,
    connection: { proxyEnv: proxyEnvOf(env), tls: { ca } },
  });
}
