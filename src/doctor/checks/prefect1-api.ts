// The Prefect 1 API: whether it answers, its version, whether it accepts the key, and the tenant.

import { PrefectError } from "../../orchestrator/errors.ts";
import type { ApiInfo, Tenant } from "../../prefect1/doctor-queries.ts";
import type { ExpectedError } from "../../base/errors.ts";
import type { Answer } from "../answer.ts";
import { causeOf, failureAt, failedRequestFinding } from "../answer.ts";
import { withoutPassword } from "./configuration.ts";
import type { Finding } from "../finding.ts";

const SECTION = "prefect";

/** The API as it is configured. */
export interface ApiTarget {
  readonly url: string;
  readonly backend: string;
  readonly hasKey: boolean;
}

/** The configuration cannot be read; another finding says why. */
export function unknownApiFinding(): Finding {
  const message = "not checked, because the configuration cannot be read";
  return { section: SECTION, check: "API", status: "skipped", message };
}

/** No API is configured: everything else works without one. */
export function noApiFinding(): Finding {
  return {
    section: SECTION,
    check: "API",
    status: "skipped",
    message: "no Prefect 1 API is configured, so its agents and flow runs are not checked",
    hint: "set it with --api or PREFECT__CLOUD__API; for a self-hosted server add --backend server",
  };
}

/** Whether the API answers, and whether it accepts the key. */
export function helloFindings(target: ApiTarget, hello: Answer<unknown>): readonly Finding[] {
  const url = withoutPassword(target.url);
  const server = { section: SECTION, check: "API" } as const;
  if (hello.ok) return [{ ...server, status: "ok", message: `${url} answers`, data: { url } }];
  const { error } = hello;
  if (isUnauthorized(error))
    return [{ ...server, status: "ok", message: `${url} answers`, data: { url } }, keyRefused(target, error)];
  const message = failureAt(target.url, url, error);
  return [{ ...server, status: "broken", message, hint: error.hint, data: { url } }];
}

/** The version of the API, and whether its backend is the configured one. Some APIs do not tell. */
export function aboutFindings(target: ApiTarget, about: Answer<ApiInfo>): readonly Finding[] {
  if (!about.ok) return [];
  const { backend, version, coreVersion } = about.value;
  const kind = backend?.toLowerCase();
  const core = coreVersion === undefined ? "" : ` with Core ${coreVersion}`;
  const name = kind === "server" ? "Prefect Server" : kind === "cloud" ? "Prefect Cloud" : "a Prefect API";
  const message = `${name}${version === undefined ? "" : ` ${version}`}${core}`;
  const check = {
    section: SECTION,
    check: "version",
    data: { backend: kind, version, coreVersion },
  } as const;
  if (kind === undefined || kind === target.backend || (kind !== "server" && kind !== "cloud")) {
    return [{ ...check, status: "ok", message }];
  }
  return [
    {
      ...check,
      status: "broken",
      message: `${message}, but --backend is ${target.backend}`,
      hint: `use --backend ${kind}, or set PREFECT__BACKEND=${kind}`,
    },
  ];
}

/** The tenant; the answer also proves that the key is accepted. */
export function tenantFindings(target: ApiTarget, tenant: Answer<Tenant | undefined>): readonly Finding[] {
  const about = { section: SECTION, check: "tenant" } as const;
  if (!tenant.ok) {
    if (isUnauthorized(tenant.error)) return [keyRefused(target, tenant.error)];
    const { status, message } = failedRequestFinding(about, tenant.error);
    return [
      {
        ...about,
        status: status === "skipped" ? status : "broken",
        message,
        hint: tenant.error.hint,
      },
    ];
  }
  const key: readonly Finding[] =
    target.hasKey && target.backend === "cloud"
      ? [{ section: SECTION, check: "API key", status: "ok", message: "accepted" }]
      : [];
  if (tenant.value === undefined) {
    return [
      ...key,
      {
        ...about,
        status: "broken",
        message: "the API has no tenant with the configured id",
        hint: "leave out --tenant-id and PREFECT__CLOUD__TENANT_ID to use the API's own tenant",
      },
    ];
  }
  const { id, name } = tenant.value;
  return [
    ...key,
    { ...about, status: "ok", message: `${name === "" ? "" : `"${name}" `}(${id})`, data: { id, name } },
  ];
}

function isUnauthorized(error: ExpectedError): boolean {
  return error instanceof PrefectError && error.failure === "unauthorized";
}

function keyRefused({ hasKey, backend }: ApiTarget, error: ExpectedError): Finding {
  const about = { section: SECTION, check: "API key", status: "broken" } as const;
  if (hasKey) return { ...about, message: `not accepted: ${causeOf(error)}`, hint: error.hint };
  const message = "missing, but the API requires one";
  const hint = "set one with --key, PREFECT__CLOUD__API_KEY or: prefect auth login --key KEY";
  return { ...about, message, hint: backend === "cloud" ? hint : error.hint };
}
