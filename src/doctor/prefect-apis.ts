// The Prefect APIs, as the checks share them. Without a configured API every call throws ReportedError.

import { ServerClock } from "../base/server-clock.ts";
import { connectOnce } from "../orchestrator/run-directory.ts";
import { prefect1Directory } from "../prefect1/run-directory.ts";
import { connectPrefect3 } from "../prefect3/client.ts";
import { prefect3Directory } from "../prefect3/run-directory.ts";
import { once, reported, ReportedError } from "./answer.ts";
import type { DoctorDeps, DoctorTarget } from "./target.ts";

/** Sends nothing yet. */
export function prefect1Answers(deps: DoctorDeps, target: DoctorTarget) {
  const { clock, signal, timeoutMs } = deps;
  const config = target.isPrefect1Configured ? target.config.value : undefined;
  const time = new ServerClock(clock);
  const { client, close } = connectOnce(async () => {
    if (config === undefined) throw new ReportedError("no Prefect 1 API is configured");
    return deps.connectPrefect(config, { timeoutMs, onRequest: time.observe });
  });
  /** The API, once it has answered. */
  const hello = once(async () => {
    const api = await client();
    await api.doctor.hello(signal);
    return api;
  });
  const backend = async () => (await reported(hello())).doctor.backend(signal);
  const tenant = once(async () => (await reported(hello())).doctor.tenant(signal));
  /** The queries, once the tenant is known. */
  const queries = async () => {
    await reported(tenant());
    return (await hello()).doctor;
  };
  const agents = once(async () => {
    await queries();
    return (await hello()).agents(signal);
  });
  const directory =
    config && prefect1Directory({ address: config.apiUrl.value, ui: config.uiUrl }, hello, time);
  return { config, hello, backend, tenant, queries, agents, directory, clock: time, close };
}

/** Sends nothing yet. */
export function prefect3Answers(deps: DoctorDeps, { prefect3 }: DoctorTarget) {
  const settings = prefect3.value;
  const time = new ServerClock(deps.clock);
  const { client, close } = connectOnce(async () => {
    if (settings === undefined) throw new ReportedError("no Prefect 2 or 3 API is configured");
    const { clock, timeoutMs } = deps;
    return connectPrefect3(settings, deps, { clock, timeoutMs, onAnswer: time.observe });
  });
  /** The API, once it has accepted the key. */
  const hello = once(async () => {
    const api = await client();
    await api.countFlowRuns(deps.signal);
    return api;
  });
  const directory = settings && prefect3Directory(settings, hello, time);
  return { settings, hello, directory, clock: time, close };
}
