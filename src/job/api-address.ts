// Which Prefect API a Job's flow run belongs to: a run that is missing in another API was not deleted.

import type { Job } from "../kube/client/objects.ts";

/** The environment variables with the API's address: of Prefect 1, and of Prefect 2 and 3. */
export const API_VARIABLES = ["PREFECT__CLOUD__API", "PREFECT_API_URL"];

/** Whether the Job was created for one of these APIs, which are written as apiAddress does. */
export function namesApi(job: Job, addresses: ReadonlySet<string>): boolean {
  return (job.spec.template?.spec?.containers ?? []).some(({ env }) =>
    (env ?? []).some(
      ({ name, value }) => API_VARIABLES.includes(name) && addresses.has(apiAddress(value ?? "") ?? ""),
    ),
  );
}

/** The servers of the APIs that the Job names, Prefect Cloud included. */
export function apiServers(job: Job): readonly string[] {
  const variables = (job.spec.template?.spec?.containers ?? []).flatMap(({ env = [] }) => env);
  const urls = variables.filter(({ name }) => API_VARIABLES.includes(name)).map(({ value = "" }) => value);
  return urls.filter((url) => URL.canParse(url)).map((url) => new URL(url).origin);
}

/** The origin of an API's URL, whatever its path; undefined for Prefect Cloud, whose tenants share it, and invalid URLs. */
export function apiAddress(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { origin, hostname } = new URL(url);
  return /(?:^|\.)prefect\.(?:io|cloud)$/.test(hostname) ? undefined : origin;
}
