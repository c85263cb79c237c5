// Prefect 2's and 3's own variables → RestApi. Loaded only by commands that have such flow runs before them.

import tls from "node:tls";
import type { Env } from "../base/env.ts";
import { proxyEnvOf } from "../base/env.ts";
import { SettingsError } from "../base/errors.ts";
import { RestApi } from "./rest-api.ts";

/** The API of PREFECT_API_URL; undefined where it is not set. Throws SettingsError when it is no address. */
export function connectRest(env: Env, timeoutMs: number): RestApi | undefined {
  const url = env["PREFECT_API_URL"] ?? "";
  if (url === "") return undefined;
  const protocol = URL.canParse(url) ? new URL(url).protocol : "";
  if (protocol !== "http:" && protocol !== "https:") {
    throw new SettingsError(`cannot use PREFECT_API_URL "${url}": not an http(s) URL`, {
      hint: "write it like http://localhost:4200/api",
    });
  }
  const ca =
    protocol === "https:"
      ? [...new Set([...tls.getCACertificates("default"), ...tls.getCACertificates("system")])]
      : undefined;
  return new RestApi({
    url,
    apiKey: env["PREFECT_API_KEY"],
    authString: env["PREFECT_API_AUTH_STRING"],
    timeoutMs,
    connection: { proxyEnv: proxyEnvOf(env), tls: { ca } },
  });
}
