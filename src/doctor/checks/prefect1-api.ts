// The Prefect 1 API: whether it answers, what it is, whether it takes the key, and which tenant that means.

import { PrefectError } from "../../orchestrator/errors.ts";
import type { ApiAbout, Tenant } from "../../prefect1/doctor-queries.ts";
import type { ExpectedError } from "../../base/errors.ts";
import type { Answer } from "../answer.ts";
import { causeOf, failureAt, unanswered } from "../answer.ts";
import { withoutPassword } from "./configuration.ts";
import type { Finding } from "../finding.ts";

const SECTION = "prefect";

/** What is known of the API before it is asked. */
export interface ApiTarget {
  readonly url: string;
  readonly backend: string;
  readonly hasKey: boolean;
}

/** The configuration cannot be read, which is told where it stands. */
export function unknownApiFinding(): Finding {
  const message = "not asked: the configuration cannot be read";
  return { section: SECTION, check: "API", status: "skipped", message };
}

/** Nobody has named an API: all else works without one. */
export function noApiFinding(): Finding {
  return {
    section: SECTION,
    check: "API",
    status: "skipped",
    message: "no Prefect 1 API is named: its agents and flow runs are not looked at",
    hint: "name it with --api or PREFECT__CLOUD__API, a server of your own also with --backend server",
  };
}

/** Whether the API answers, and whether it takes the key. */
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

/** What the API message that it is, against what it is taken for. Some do not say. */
export function aboutFindings(target: ApiTarget, about: Answer<ApiAbout>): readonly Finding[] {
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
      message: `${message}, but it is taken for ${target.backend === "server" ? "a server of your own" : "Prefect Cloud"}`,
      hint: `write --backend ${kind}, or set PREFECT__BACKEND=${kind}`,
    },
  ];
}

/** Which tenant is meant; asking also proves the key. */
export function tenantFindings(target: ApiTarget, tenant: Answer<Tenant | undefined>): readonly Finding[] {
  const about = { section: SECTION, check: "tenant" } as const;
  if (!tenant.ok) {
    if (isUnauthorized(tenant.error)) return [keyRefused(target, tenant.error)];
    const { status, message } = unanswered(about, tenant.error);
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
        message: "the API has no tenant with the id that is configured",
        hint: "leave out --tenant-id and PREFECT__CLOUD__TENANT_ID: the API then tells which one it has",
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
  const message = "there is none, and the API wants one";
  const hint = "give one with --key, PREFECT__CLOUD__API_KEY or: prefect auth login --key KEY";
  return { ...about, message, hint: backend === "cloud" ? hint : error.hint };
}
