// Asks a Prefect 1 API: first whether it answers and takes the key, then everything else at once.

import type { Checking, DoctorDeps, DoctorTarget } from "./target.ts";
import type { PrefectConfig } from "../prefect1/config/load.ts";
import { prefect1Directory } from "../prefect1/run-directory.ts";
import type { DueRun, QuietRun, RegisteredAgent } from "../prefect1/doctor-queries.ts";
import type { Prefect1Client } from "../prefect1/client.ts";
import { agentFindings } from "./checks/agents.ts";
import type { Answer } from "./answer.ts";
import { attempt } from "./answer.ts";
import { better, clockFindings, readClock } from "./checks/clocks.ts";
import type { ClockReading } from "./checks/clocks.ts";
import { DUE_AT_MOST } from "./checks/due-runs.ts";
import type { Finding } from "./finding.ts";
import {
  aboutFindings,
  helloFindings,
  noApiFinding,
  tenantFindings,
  unknownApiFinding,
} from "./checks/prefect1-api.ts";
import type { ApiTarget } from "./checks/prefect1-api.ts";
import { QUIET_AT_MOST, STALE_AFTER_MS } from "./checks/quiet-runs.ts";

const AGENTS_AT_MOST = 200;

export interface Prefect1Checked {
  readonly findings: readonly Finding[];
  /** Undefined when the API could not be asked for runs. */
  readonly runs:
    | {
        readonly due: Answer<readonly DueRun[]>;
        readonly quiet: Answer<readonly QuietRun[]>;
        /** Undefined when they could not be listed. */
        readonly agents: readonly RegisteredAgent[] | undefined;
        /** What time it is by the API's clock. */
        readonly now: Date;
      }
    | undefined;
}

/** What is found; an API that does not answer the first question is asked no second one. Close it at the end. */
export function runPrefect1Checks(deps: DoctorDeps, target: DoctorTarget): Checking<Prefect1Checked> {
  const { config } = target;
  if (!config.ok || !target.isPrefectNamed) {
    const findings = [config.ok ? noApiFinding() : unknownApiFinding()];
    const found = Promise.resolve({ findings, runs: undefined });
    return { source: undefined, found, close: () => Promise.resolve() };
  }
  const questions = new Questions(deps, config.value);
  const { value: address } = config.value.apiUrl;
  const source = prefect1Directory(address, () => questions.answering(), deps.clock);
  return { source, found: questions.ask(target), close: () => questions.close() };
}

/** One API, and what its answers told of its clock. */
class Questions {
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
      deps.connectPrefect(config, ({ date, ms }) => {
        this.#clock = better(this.#clock, readClock(date, { at: deps.clock.now(), roundTripMs: ms }));
      }),
    );
    this.#hello = this.#sayHello();
    // Whoever needs it awaits it; that nobody does when the check-up ends early must not end the process.
    this.#hello.catch(() => {});
  }

  /** The API, once it has answered. Throws what it did not answer for. */
  async answering(): Promise<Prefect1Client> {
    const hello = await this.#hello;
    if (!hello.ok) throw hello.error;
    return hello.value;
  }

  async ask(target: DoctorTarget): Promise<Prefect1Checked> {
    const hello = await this.#hello;
    if (!hello.ok) {
      return { findings: [...helloFindings(this.#target, hello), ...this.#clockFindings()], runs: undefined };
    }
    const { checkup } = hello.value;
    const { signal } = this.#deps;
    const now = this.#now();
    const silent = { before: new Date(now.getTime() - STALE_AFTER_MS), limit: QUIET_AT_MOST };
    const [about, tenant, agents, due, quiet] = await Promise.all([
      attempt(() => checkup.about(signal)),
      attempt(() => checkup.tenant(signal)),
      attempt(() => checkup.agents(AGENTS_AT_MOST, signal)),
      attempt(() => checkup.dueRuns({ before: now, limit: DUE_AT_MOST }, signal)),
      attempt(() => checkup.quietRuns(silent, signal)),
    ]);
    const said = aboutFindings(this.#target, about);
    // Where the API is of the other kind, it does not know the question for the tenant: one finding is enough.
    const isMistaken = said.some(({ status }) => status === "broken") && !tenant.ok;
    const findings = [
      ...helloFindings(this.#target, hello),
      ...said,
      ...(isMistaken ? [] : tenantFindings(this.#target, tenant)),
      ...this.#clockFindings(),
    ];
    if (!tenant.ok) return { findings, runs: undefined };
    const labels = target.areLabelsGiven ? target.settings.labels.value : undefined;
    return {
      findings: [...findings, ...agentFindings(agents, { labels, now: this.#now() })],
      runs: { due, quiet, agents: agents.ok ? agents.value : undefined, now: this.#now() },
    };
  }

  async #sayHello(): Promise<Answer<Prefect1Client>> {
    const api = await this.#api;
    if (!api.ok) return api;
    return attempt(async () => {
      await api.value.checkup.hello(this.#deps.signal);
      return api.value;
    });
  }

  #clockFindings(): readonly Finding[] {
    return clockFindings({ section: "prefect", check: "clock", whose: "the Prefect API's" }, this.#clock);
  }

  /** What time it is by the API's clock; by ours where the two may well agree. */
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
