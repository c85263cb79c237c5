// What Prefect 1 knows of a tenant: that it is there, its agents, its flows.

import { arrayIn, dateIn, objectIn, textIn } from "../base/json.ts";
import type { AgentRow } from "../orchestrator/agent-identity.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { DoctorQueries } from "./doctor-queries.ts";
import type { Graphql } from "./graphql.ts";
import * as documents from "./queries.ts";
import { agentIn } from "./run-state.ts";

/** More agents than this never poll at the same time. */
const AGENTS_LIMIT = 1_000;

/** Asks what every valid key may ask. Throws PrefectError if the key is refused, or the tenant is not there. */
export async function authenticate(
  queries: Pick<DoctorQueries, "hello" | "tenant">,
  signal?: AbortSignal,
): Promise<void> {
  await queries.hello(signal);
  if ((await queries.tenant(signal)) !== undefined) return;
  const hint = "check --tenant-id and PREFECT__CLOUD__TENANT_ID";
  throw new PrefectError("find the tenant", "the API has no tenant with this id", {
    failure: "refused",
    hint,
  });
}

/** The tenant's Kubernetes agents, the last to poll first. */
export async function readAgents(
  graphql: Pick<Graphql, "request">,
  tenant: string,
  signal?: AbortSignal,
): Promise<AgentRow[]> {
  const variables = { tenant, limit: AGENTS_LIMIT };
  const query = { action: "list agents", name: "agents", document: documents.KUBERNETES_AGENTS };
  const data = await graphql.request({ ...query, variables, signal });
  return arrayIn(data["agent"]).map((raw) => {
    const row = objectIn(raw);
    return { ...agentIn(row), id: textIn(row["id"]) ?? "", lastPolledAt: dateIn(row["last_queried"]) };
  });
}

/** Those of these ids that are flows of the tenant. */
export async function knownFlowIds(
  graphql: Pick<Graphql, "request">,
  { ids, tenantId }: { readonly ids: readonly string[]; readonly tenantId: string },
  signal?: AbortSignal,
): Promise<string[]> {
  const query = { action: "read flows", name: "flow_known", document: documents.KNOWN_FLOWS };
  const data = await graphql.request({ ...query, variables: { tenant: tenantId, ids }, signal });
  return arrayIn(data["flow"]).map((row) => String(objectIn(row)["id"]));
}
