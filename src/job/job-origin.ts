// What a Job itself tells about the Prefect that its flow run belongs to. A run that another Prefect does not know was not
// deleted.

import { isUuid } from "../base/uuid.ts";
import type { Job } from "../kube/client/objects.ts";
import { ORIGIN_LABELS } from "./labels.ts";
import { ownerOf } from "./owner.ts";

/** The environment variables with the API's address: of Prefect 1, and of Prefect 2 and 3. */
export const API_VARIABLES = ["PREFECT__CLOUD__API", "PREFECT_API_URL"];
/** The tenant of a Job of Prefect 1 with an API key. */
export const TENANT_VARIABLE = "PREFECT__CLOUD__TENANT_ID";

/** A Prefect API that was asked for runs. */
export interface AskedApi {
  readonly address: string;
  readonly tenantId: string | undefined;
  /** Which of the flows, deployments and work pools that Jobs name it has, by their ids. */
  readonly known: ReadonlySet<string>;
}

/** The ids of the flow, the deployment and the work pool in the Job's labels. */
export function originIds({ metadata: { labels = {} } }: Job): readonly string[] {
  return ORIGIN_LABELS.map((label) => labels[label] ?? "").filter(isUuid);
}

/**
 * Whether the Job's run certainly belongs to this API: the API knows its flow, deployment or work pool; the tenant in the
 * agent's annotation is the API's; or the Job calls the API at the same address.
 */
export function belongsTo(job: Job, api: AskedApi): boolean {
  if (originIds(job).some((id) => api.known.has(id))) return true;
  const tenantId = ownerOf(job.metadata)?.tenantId;
  if (tenantId !== undefined) return tenantId === api.tenantId;
  return callsApi(job, api);
}

function callsApi(job: Job, { address, tenantId }: AskedApi): boolean {
  const asked = comparable(address);
  if (asked === undefined) return false;
  return (job.spec.template?.spec?.containers ?? []).some(({ env = [] }) => {
    const valueOf = (name: string): string => env.find((variable) => variable.name === name)?.value ?? "";
    const tenant = valueOf(TENANT_VARIABLE);
    const isSameTenant = tenant === "" ? !isCloud(asked) : tenant === tenantId;
    return isSameTenant && API_VARIABLES.some((name) => comparable(valueOf(name)) === asked);
  });
}

/** The address without what may differ; undefined for a local one or a bare name, which mean another server elsewhere. */
function comparable(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const { origin, hostname, pathname } = new URL(address);
  const isLocal = /^(?:localhost|127\.|\[::1\])/.test(hostname) || !/[.:]/.test(hostname);
  return isLocal ? undefined : origin + pathname.replace(/(?:\/graphql)?\/*$/, "");
}

/** The tenants of Prefect Cloud share its address; an account and a workspace in the path tell them apart, too. */
function isCloud(address: string): boolean {
  return /\/\/(?:[^/]*\.)?prefect\.(?:io|cloud)(?::|$)/.test(address);
}
