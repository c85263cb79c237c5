// Checks a Prefect 1 API: first whether it answers and accepts the key, then everything else at once.

import type { RunningChecks, DoctorDeps, DoctorTarget } from "./target.ts";
import type { PrefectConfig } from "../prefect1/config/load.ts";
import { prefect1Directory } from "../prefect1/run-directory.ts";
import type { DueRun, StalledRun, RegisteredAgent } from "../prefect1/doctor-queries.ts";
import type { Prefect1Client } from "../prefect1/client.ts";
import { agentFindings } from "./checks/agents.ts";
import type { Answer } from "./answer.ts";
import { attempt } from "./answer.ts";
import { moreCertain, clockFindings, readClock } from "./checks/clocks.ts";
import type { ClockReading } from "./checks/clocks.ts";
import { DUE_RUNS_LIMIT } from "./checks/due-runs.ts";
import type { Finding } from "./finding.ts";
import {
  aboutFindings,
  helloFindings,
  noApiFinding,
  tenantFindings,
  unknownApiFinding,
} from "./checks/prefect1-api.ts";
import type { ApiTarget } from "./checks/prefect1-api.ts";
import { STALLED_RUNS_LIMIT, STALE_AFTER_MS } from "./checks/stalled-runs.ts";

const AGENTS_LIMIT = 200;

export interface Prefect1Checked {
  readonly findings: readonly Finding[];
  /** Undefined if the API could not be asked for runs. */
  readonly runs:
    | {
        readonly due: Answer<readonly DueRun[]>;
        readonly stalled: Answer<readonly StalledRun[]>;
        /** Undefined if they could not be listed. */
        readonly agents: readonly RegisteredAgent[] | undefined;
        /** The time by the API's clock. */
        readonly now: Date;
      }
    | undefined;
}

/** Starts the checks; if the first request fails, no more are sent. Close them at the end. */
export function runPrefect1Checks(deps: DoctorDeps, target: DoctorTarget): RunningChecks<Prefect1Checked> {
  const { config } = target;
  if (!config.ok || !target.isPrefect1Configured) {
    const findings = [config.ok ? noApiFinding() : unknownApiFinding()];
    const found = Promise.resolve({ findings, runs: undefined });
    return { source: undefined, result: found, close: () => Promise.resolve() };
  }
  const checks = new Prefect1Checks(deps, config.value);
  const { value: address } = config.value.apiUrl;
  const source = prefect1Directory(address, () => checks.connected(), deps.clock);
  return { source, result: checks.run(target), close: () => checks.close() };
}

/** The checks of one API, and its clock by its responses. */
class Prefect1Checks {
  readonly #deps: DoctorDeps;
  readonly #target: ApiTarget;
  readonly #api: Promise<Answer<Prefect1Client>>;
  readonly #hello: Promise<Answer<Prefect1Client>>;
  #clock: ClockReading | undefined;

  constructor(deps: DoctorDeps, config: PrefectConfig) {
    const { apiUrl, backend, apiKey } = config;
    this.#deps = deps;
    this.#target = {
      url: apiUrl.value.replace(/\/+$/, ""),
      backend: backend.value,
      hasKey: apiKey !== undefined,
    };
    this.#api = attempt(() =>
      deps.connectPrefect1(config, ({ date, ms }) => {
        this.#clock = moreCertain(this.#clock, readClock(date, { at: deps.clock.now(), roundTripMs: ms }));
      }),
    );
    this.#hello = this.#sayHello();
    // Awaited where it is needed; if doctor ends before that, an error must not end the process.
    this.#hello.catch(() => {});
  }

  /** The API, once it has answered. Throws its error. */
  async connected(): Promise<Prefect1Client> {
    const hello = await this.#hello;
    if (!hello.ok) throw hello.error;
    return hello.value;
  }

  async run(target: DoctorTarget): Promise<Prefect1Checked> {
    const hello = await this.#hello;
    if (!hello.ok) {
      return { findings: [...helloFindings(this.#target, hello), ...this.#clockFindings()], runs: undefined };
    }
    const { doctor } = hello.value;
    const { signal } = this.#deps;
    const now = this.#now();
    const stalledQuery = { before: new Date(now.getTime() - STALE_AFTER_MS), limit: STALLED_RUNS_LIMIT };
    const [about, tenant, agents, due, stalled] = await Promise.all([
      attempt(() => doctor.apiInfo(signal)),
      attempt(() => doctor.tenant(signal)),
      attempt(() => doctor.agents(AGENTS_LIMIT, signal)),
      attempt(() => doctor.dueRuns({ before: now, limit: DUE_RUNS_LIMIT }, signal)),
      attempt(() => doctor.stalledRuns(stalledQuery, signal)),
    ]);
    const versionFindings = aboutFindings(this.#target, about);
    // An API of the other backend cannot answer the tenant query: one finding is enough.
    const isWrongBackend = versionFindings.some(({ status }) => status === "broken") && !tenant.ok;
    const findings = [
      ...helloFindings(this.#target, hello),
      ...versionFindings,
      ...(isWrongBackend ? [] : tenantFindings(this.#target, tenant)),
      ...this.#clockFindings(),
    ];
    if (!tenant.ok) return { findings, runs: undefined };
    const labels = target.areLabelsConfigured ? target.settings.labels.value : undefined;
    return {
      findings: [...findings, ...agentFindings(agents, { labels, now: this.#now() })],
      runs: { due, stalled, agents: agents.ok ? agents.value : undefined, now: this.#now() },
    };
  }

  async #sayHello(): Promise<Answer<Prefect1Client>> {
    const api = await this.#api;
    if (!api.ok) return api;
    return attempt(async () => {
      await api.value.doctor.hello(this.#deps.signal);
      return api.value;
    });
  }

  #clockFindings(): readonly Finding[] {
    return clockFindings({ section: "prefect", check: "clock", whose: "the Prefect API's" }, this.#clock);
  }

  /** The time by the API's clock; by ours if the difference is within the uncertainty. */
  #now(): Date {
    const { aheadMs, plusMinusMs } = this.#clock ?? { aheadMs: 0, plusMinusMs: 0 };
    const skewMs = Math.abs(aheadMs) > plusMinusMs ? aheadMs : 0;
    return new Date(this.#deps.clock.now().getTime() + skewMs);
  }

  async close(): Promise<void> {
    const api = await this.#api;
    if (api.ok) api.value.close();
  }
}
