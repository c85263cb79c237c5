// Prefect's configuration → address, credentials and timeout of its APIs.

import type { PrefectConfig } from "../prefect1/config/load.ts";
import type { Prefect3Settings } from "../prefect3/settings.ts";
import type { Prefect3Target } from "../prefect3/connect.ts";
import type { PrefectTarget } from "./context.ts";

/** The Prefect 1 API. */
export function prefectTarget(config: PrefectConfig): PrefectTarget {
  return {
    url: config.apiUrl.value,
    backend: config.backend.value,
    apiKey: config.apiKey?.value,
    tenantId: config.tenantId?.value,
    timeoutMs: config.requestTimeoutSeconds.value * 1_000,
  };
}

/** The Prefect 2 or 3 API. */
export function prefect3Target(settings: Prefect3Settings): Prefect3Target {
  const { url, uiUrl, apiKey, authString, certFile, skipVerify, headers } = settings;
  return {
    url: url.value,
    uiUrl: uiUrl?.value,
    apiKey: apiKey?.value,
    authString: authString?.value,
    certFile: certFile?.value,
    skipVerify: skipVerify?.value,
    headers: headers?.value,
  };
}
