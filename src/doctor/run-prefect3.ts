// Checks the API of Prefect 2 and 3, if one is configured.

import type { RunningChecks, DoctorDeps, DoctorTarget } from "./target.ts";
import { prefect3Directory } from "../prefect3/run-directory.ts";
import type { Prefect3Client } from "../prefect3/client.ts";
import { attempt } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { clockFindings, readClock } from "./checks/clocks.ts";
import type { Finding } from "./finding.ts";
import { prefect3Findings } from "./checks/prefect3-api.ts";

export interface Prefect3Checked {
  readonly findings: readonly Finding[];
}

/** Starts the checks. Close them at the end. */
export function runPrefect3Checks(
  deps: DoctorDeps,
  { prefect3 }: DoctorTarget,
): RunningChecks<Prefect3Checked> {
  const config = prefect3.ok ? prefect3.value : undefined;
  if (config === undefined) {
    return { source: undefined, result: Promise.resolve({ findings: [] }), close: () => Promise.resolve() };
  }
  const { signal, clock } = deps;
  const api = attempt(() => deps.connectPrefect3(config));
  const counting = api.then((connected) => ask(connected, (client) => client.countFlowRuns(signal)));
  // Awaited below and by the inventory; when doctor is interrupted, by neither.
  counting.catch(() => {});
  const connect = async (): Promise<Prefect3Client> => {
    const [connected, count] = await Promise.all([api, counting]);
    if (!count.ok) throw count.error;
    if (!connected.ok) throw connected.error;
    return connected.value;
  };
  const source = prefect3Directory(config.url.value, connect);
  const check = async (): Promise<Prefect3Checked> => {
    const startedMs = performance.now();
    const connected = await api;
    const [count, about] = await Promise.all([counting, ask(connected, (one) => one.apiInfo(signal))]);
    const answered = { at: clock.now(), roundTripMs: performance.now() - startedMs };
    const clocks = about.ok ? readClock(about.value.date, answered) : undefined;
    const hasKey = config.apiKey !== undefined || config.authString !== undefined;
    const url = config.url.value.replace(/\/+$/, "");
    return {
      findings: [
        ...prefect3Findings({ url, hasKey }, { count, about }),
        ...clockFindings(
          { section: "prefect", check: "Prefect 2/3 clock", whose: "the Prefect 2/3 API's" },
          clocks,
        ),
      ],
    };
  };
  const close = async (): Promise<void> => {
    const connected = await api;
    if (connected.ok) connected.value.close();
  };
  return { source, result: check(), close };
}

async function ask<T>(
  api: Answer<Prefect3Client>,
  request: (api: Prefect3Client) => Promise<T>,
): Promise<Answer<T>> {
  return api.ok ? attempt(() => request(api.value)) : api;
}
