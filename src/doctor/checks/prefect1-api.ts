// The Prefect 1 API: whether it answers, is of the configured kind, accepts the key, and has the tenant.

import { attempt } from "../../base/attempt.ts";
import type { ExpectedError } from "../../base/errors.ts";
import { redactUrl } from "../../base/redact-url.ts";
import { unreachable } from "../answer.ts";
import { checkOf } from "../finding.ts";

const { check, broken, ok, skipped } = checkOf({ section: "prefect", check: "Prefect API" });

export const prefect1Api = check(async ({ target, prefect1 }) => {
  const { config } = prefect1;
  if (config === undefined) {
    // Who uses Prefect 2 or 3 lacks nothing.
    if (!target.config.ok || target.prefect3.value !== undefined) return [];
    const hint = "set it with --api or PREFECT__CLOUD__API; for a self-hosted server add --backend server";
    return [skipped("no Prefect 1 API is configured: agents and due flow runs are not checked", { hint })];
  }
  const address = redactUrl(config.apiUrl.value.replace(/\/+$/, ""));
  const unusable = (error: ExpectedError) =>
    broken(unreachable(address, error, config.apiKey), { hint: error.hint });
  const hello = await attempt(prefect1.hello);
  if (!hello.ok) return [unusable(hello.error)];
  const [backend, tenant] = await Promise.all([attempt(prefect1.backend), attempt(prefect1.tenant)]);
  // Some APIs do not tell.
  const kind = backend.value;
  if (kind !== undefined && kind !== config.backend.value) {
    const hint = `use --backend ${kind}, or set PREFECT__BACKEND=${kind}`;
    return [broken(`its backend is ${kind}, but --backend is ${config.backend.value}`, { hint })];
  }
  if (!tenant.ok) return [unusable(tenant.error)];
  if (tenant.value === undefined) {
    const hint = "leave out --tenant-id and PREFECT__CLOUD__TENANT_ID to use the API's own tenant";
    return [broken("it has no tenant with the configured id", { hint })];
  }
  const accepts = config.apiKey === undefined ? "" : " and accepts the key";
  return [ok(`${address} answers${accepts}, tenant "${tenant.value}"`)];
});
