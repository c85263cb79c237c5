// The tenant id when none is configured: Cloud derives it from the API key; a server usually has one tenant.

import { arrayIn, objectIn, textIn } from "../base/json.ts";
import { AUTH_INFO, TENANT } from "./queries.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { Graphql } from "./graphql.ts";

/** Fetches the tenant id and sends it in all later requests. Throws PrefectError for none or several tenants. */
export async function fetchTenantId(
  graphql: Graphql,
  backend: string,
  signal?: AbortSignal,
): Promise<string> {
  const cloud = backend === "cloud";
  const query = cloud ? AUTH_INFO : TENANT;
  const { action } = query;
  const data = await graphql.request(query, undefined, signal).catch((error: unknown) => {
    throw cloud ? withBackendHint(action, error) : error;
  });
  const tenants = arrayIn(data["tenant"]).map(objectIn);
  const id = textIn(cloud ? objectIn(data["auth_info"])["tenant_id"] : tenants[0]?.["id"]);
  if (id === undefined) {
    throw new PrefectError(action, cloud ? "the key belongs to no tenant" : "the server has no tenant", {
      failure: "refused",
      hint: cloud
        ? "use an API key, not an API token"
        : "create one with: prefect server create-tenant -n default",
    });
  }
  if (tenants.length > 1) {
    throw new PrefectError(action, `the server has ${tenants.length} tenants`, {
      failure: "refused",
      hint: "choose one with --tenant-id",
    });
  }
  graphql.tenantId = id;
  return id;
}

/** A self-hosted server refuses Cloud's query: --backend server may be missing. */
function withBackendHint(action: string, error: unknown): unknown {
  if (!(error instanceof PrefectError) || error.failure !== "refused") return error;
  const isServer = /auth_info/.test(error.detail);
  const detail = isServer ? "it is a self-hosted server, but --backend is cloud" : error.detail;
  const hint = "add --backend server for a self-hosted server";
  return new PrefectError(action, detail, { failure: error.failure, hint, cause: error });
}
