// Asks the API of Prefect 2 and 3, where one is named.

import type { Checking, DoctorDeps, DoctorTarget } from "./target.ts";
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

/** What is found. Close it at the end. */
export function runPrefect3Checks(deps: DoctorDeps, { rest }: DoctorTarget): Checking<Prefect3Checked> {
  const config = rest.ok ? rest.value : undefined;
  if (config === undefined) {
    return { source: undefined, found: Promise.resolve({ findings: [] }), close: () => Promise.resolve() };
  }
  const { signal, clock } = deps;
  const api = attempt(() => deps.connectPrefect3(config));
  const asked = api.then((reached) => ask(reached, (one) => one.countFlowRuns(signal)));
  // Awaited below and by the inventory; neither may come to it when doctor is interrupted.
  asked.catch(() => {});
  const connect = async (): Promise<Prefect3Client> => {
    const [reached, answer] = await Promise.all([api, asked]);
    if (!answer.ok) throw answer.error;
    if (!reached.ok) throw reached.error;
    return reached.value;
  };
  const source = prefect3Directory(config.url.value, connect);
  const check = async (): Promise<Prefect3Checked> => {
    const begunMs = performance.now();
    const reached = await api;
    const [count, about] = await Promise.all([asked, ask(reached, (one) => one.about(signal))]);
    const answered = { at: clock.now(), roundTripMs: performance.now() - begunMs };
    const clocks = about.ok ? readClock(about.value.date, answered) : undefined;
    const hasKey = config.apiKey !== undefined || config.authString !== undefined;
    const url = config.url.value.replace(/\/+$/, "");
    return {
      findings: [
        ...prefect3Findings({ url, hasKey }, { count, about }),
        ...clockFindings({ section: "prefect", check: "Prefect 2/3 clock", whose: "its API's" }, clocks),
      ],
    };
  };
  const close = async (): Promise<void> => {
    const reached = await api;
    if (reached.ok) reached.value.close();
  };
  return { source, found: check(), close };
}

async function ask<T>(
  api: Answer<Prefect3Client>,
  question: (api: Prefect3Client) => Promise<T>,
): Promise<Answer<T>> {
  return api.ok ? attempt(() => question(api.value)) : api;
}
