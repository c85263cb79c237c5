// Asks the API of Prefect 2 and 3, where one is named.

import type { KnownRun, StateSource } from "../inventory/state-source.ts";
import type { RestApi } from "../prefect3/client.ts";
import { attempt } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { clockFindings, readClock } from "./checks/clocks.ts";
import type { DoctorDeps, DoctorTarget } from "./run.ts";
import type { Examination } from "./run-prefect1.ts";
import type { Finding } from "./finding.ts";
import { restFindings } from "./checks/prefect3-api.ts";

export interface RestExamined {
  readonly findings: readonly Finding[];
}

/** What is found. Close it at the end. */
export function examineRest(deps: DoctorDeps, { rest }: DoctorTarget): Examination<RestExamined> {
  const config = rest.ok ? rest.value : undefined;
  if (config === undefined) {
    return { source: undefined, found: Promise.resolve({ findings: [] }), close: () => Promise.resolve() };
  }
  const { signal, clock } = deps;
  const api = attempt(() => deps.connectRest(config));
  const asked = api.then((reached) => ask(reached, (one) => one.countFlowRuns(signal)));
  // Awaited below and by the inventory; neither may come to it when the check-up is interrupted.
  asked.catch(() => {});
  const source: StateSource = {
    runs: async (ids) => {
      const [reached, answer] = await Promise.all([api, asked]);
      if (!answer.ok) throw answer.error;
      if (!reached.ok) throw reached.error;
      const found = await reached.value.flowRuns(ids, signal);
      return new Map(
        [...found.values()].map(({ id, name, state, since }): [string, KnownRun] => [
          id,
          { name, view: { kind: "known", state, updated: since } },
        ]),
      );
    },
  };
  const examined = async (): Promise<RestExamined> => {
    const begunMs = performance.now();
    const reached = await api;
    const [count, about] = await Promise.all([asked, ask(reached, (one) => one.about(signal))]);
    const answered = { at: clock.now(), roundTripMs: performance.now() - begunMs };
    const clocks = about.ok ? readClock(about.value.date, answered) : undefined;
    const hasKey = config.apiKey !== undefined || config.authString !== undefined;
    const url = config.url.value.replace(/\/+$/, "");
    return {
      findings: [
        ...restFindings({ url, hasKey }, { count, about }),
        ...clockFindings({ section: "prefect", check: "Prefect 2/3 clock", whose: "its API's" }, clocks),
      ],
    };
  };
  const close = async (): Promise<void> => {
    const reached = await api;
    if (reached.ok) reached.value.close();
  };
  return { source, found: examined(), close };
}

async function ask<T>(api: Answer<RestApi>, question: (api: RestApi) => Promise<T>): Promise<Answer<T>> {
  return api.ok ? attempt(() => question(api.value)) : api;
}
