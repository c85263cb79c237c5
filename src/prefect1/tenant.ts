// Which tenant a key or a server means: Cloud knows it from the key, a server has one, or is told which.

import { arrayIn, objectIn, textIn } from "../base/json.ts";
import * as documents from "./queries.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { Graphql } from "./graphql.ts";

/** The tenant's id, from then on also in the requests. Throws PrefectError where there is none, or more than one. */
export async function askTenant(graphql: Graphql, backend: string, signal?: AbortSignal): Promise<string> {
  const action = "find the tenant";
  const cloud = backend === "cloud";
  const document = cloud ? documents.AUTH_INFO : documents.TENANT;
  const asked = graphql.ask({ action, name: cloud ? "auth_info" : "tenant", document, signal });
  const data = await asked.catch((error: unknown) => {
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

/** A server does not know Cloud's question: it refuses it, which says nothing to whom forgot --backend. */
function withBackendHint(action: string, error: unknown): unknown {
  if (!(error instanceof PrefectError) || error.failure !== "refused") return error;
  const hint = "a server of your own needs --backend server";
  return new PrefectError(action, error.detail, { failure: error.failure, hint, cause: error });
}
