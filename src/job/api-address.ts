// Which Prefect API a Job's flow run belongs to: an API that does not know a run is no proof that there is none.

import type { Job } from "../kube/client/objects.ts";

/** The variables in which a Job names its API: Prefect 1, and Prefect 2 and 3. */
const API_VARIABLES = ["PREFECT__CLOUD__API", "PREFECT_API_URL"];

/** Whether the Job was made for one of these APIs, as apiAddress writes them. */
export function namesApi(job: Job, addresses: ReadonlySet<string>): boolean {
  return (job.spec.template?.spec?.containers ?? []).some(({ env }) =>
    (env ?? []).some(
      ({ name, value }) => API_VARIABLES.includes(name) && addresses.has(apiAddress(value ?? "") ?? ""),
    ),
  );
}

/** The servers of the APIs that the Job names; Cloud's, too, though it is the same for all tenants. */
export function apiServers(job: Job): readonly string[] {
  const variables = (job.spec.template?.spec?.containers ?? []).flatMap(({ env = [] }) => env);
  const urls = variables.filter(({ name }) => API_VARIABLES.includes(name)).map(({ value = "" }) => value);
  return urls.filter((url) => URL.canParse(url)).map((url) => new URL(url).origin);
}

/** Of Prefect 1's API the server, since it is written with and without a path; undefined for Cloud, which many tenants share, and for what is no address. */
export function apiAddress(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { origin, hostname } = new URL(url);
  return /(?:^|\.)prefect\.(?:io|cloud)$/.test(hostname) ? undefined : origin;
}
