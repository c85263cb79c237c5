// Finds and claims due flow runs of Prefect 1, and builds their Jobs like the agent of Prefect Core 1.4.1.

import { Batcher } from "../base/batch.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { pagesOf } from "../base/pages.ts";
import type { JobManifest } from "../kube/client/manifest.ts";
import type { RunState } from "../orchestrator/flow-run.ts";
import type {
  DueRun,
  DueRuns,
  SourceFault,
  Submission,
  UnfinishedClaim,
  UnfinishedQuery,
  WorkSource,
} from "../orchestrator/work-source.ts";
import { buildJob } from "./build/build.ts";
import { identifiersOf } from "./build/identifier.ts";
import type { JobSettings } from "./build/job-settings.ts";
import type { AgentTemplate } from "./agent-template.ts";
import { runTemplate } from "./build/template-sources.ts";
import { DEFAULT_TEMPLATE, type ReadTemplate, type Template, type TemplateSource } from "./build/template.ts";
import { ownerText } from "../job/owner.ts";
import type { AgentRow } from "../orchestrator/agent-identity.ts";
import type { Place } from "../orchestrator/place.ts";
import type { ServerClock } from "../base/server-clock.ts";
import {
  claimFilters,
  claimIn,
  claimsOf,
  isOfTasks,
  workOf,
  type ClaimOutcome,
  type StateClaim,
  type ClaimedWork,
} from "./claim.ts";
import { claimedIds, claimedRunIn, type ClaimedRun } from "./claimed-runs.ts";
import type { Prefect1Client } from "./client.ts";
import { readFlowRun, taskRunIn, type FlowRun } from "./flow-run.ts";
import { CLAIMED, SUBMITTED_TASKS } from "./queries.ts";
import { rowDecoder, type DecodeRows } from "./run-rows.ts";
import { runStateOf } from "./run-state.ts";
import { startTimeOf } from "./states.ts";

/** The most runs that the queue of Prefect Server returns at once. */
const QUEUE_PAGE = 25;
/** How many due runs are queried directly. */
const WIDE_PAGE = 250;
const PAGE = 100;
/** Of the state that a run is created with. */
const FIRST_VERSION = 1;
/** Runs are fetched so long before their start time. */
const PREFETCH_MS = 10_000;
/** By how much Prefect's clock, as it is known here, may change between two answers. */
const SLACK_MS = 5_000;
/** How often to query due runs directly: the queue sees only the 75 oldest, which may all be for other agents. */
const STARVATION_CHECK_MS = 20_000;
const CLAIMS = { maxSize: 100, maxRequests: 2 };
/** Prefect Server has no versions: a state that was read longer ago than this is read again before it is overwritten. */
const FRESH_MS = 1_000;

export interface WorkSourceOptions {
  readonly client: Prefect1Client;
  readonly clock: Clock;
  readonly log: Pick<Log, "warn">;
  /** The time at Prefect's server. */
  readonly prefectTime: Pick<ServerClock, "now">;
  /** The agent's name in Prefect. */
  readonly name: string;
  readonly labels: readonly string[];
  readonly agentConfigId?: string | undefined;
  /** Where the Jobs are, as written in claims. */
  readonly place: Place;
  /** This process, as written in claims and on Jobs. */
  readonly process: string;
  readonly job: JobSettings;
  readonly template: AgentTemplate | undefined;
  readonly readTemplate: ReadTemplate;
  /** A unique id for a claim. */
  readonly newId: () => string;
}

export class Prefect1WorkSource implements WorkSource {
  readonly #options: WorkSourceOptions;
  readonly #claims: Batcher<StateClaim, ClaimOutcome>;
  readonly #decode: DecodeRows;
  readonly #reading = new Map<string, Promise<string>>();
  #lastWideQueryMs = -Infinity;

  constructor(options: WorkSourceOptions) {
    this.#options = options;
    this.#claims = new Batcher((claims) => options.client.claim(claims), CLAIMS, options.clock);
    this.#decode = rowDecoder(options.log);
  }

  register(signal: AbortSignal): Promise<string> {
    return this.#options.client.registerAgent(this.#options, signal);
  }

  authenticate(signal: AbortSignal): Promise<void> {
    return this.#options.client.authenticate(signal);
  }

  fault(): SourceFault | undefined {
    return this.#options.template?.fault();
  }

  agents(signal: AbortSignal): Promise<readonly AgentRow[]> {
    return this.#options.client.agents(signal);
  }

  async heartbeat(signal: AbortSignal): Promise<void> {
    const { client, labels, prefectTime } = this.#options;
    await client.queuedFlowRunIds(prefectTime.now(), labels, signal);
  }

  async due(inFlight: Pick<ReadonlySet<string>, "has" | "size">, signal: AbortSignal): Promise<DueRuns> {
    const { ids, hasMore } = await this.#dueIds(inFlight.size, signal);
    const newIds = ids.filter((id) => !inFlight.has(id));
    const { client, clock, prefectTime } = this.#options;
    const readAt = clock.ticks();
    const pages = await Promise.all(
      pagesOf(newIds, PAGE).map((page) => client.launchableFlowRuns(page, prefectTime.now(), signal)),
    );
    // What was rescheduled since the queue was asked comes again when it is due.
    const latestMs = prefectTime.now().getTime() + PREFETCH_MS + SLACK_MS;
    const runs = this.#decode(pages.flat(), readFlowRun)
      .map((run) => this.#dueRun(run, readAt))
      .filter(({ startAt }) => (startAt?.getTime() ?? 0) <= latestMs);
    return {
      runs: runs.sort((a, b) => (a.startAt?.getTime() ?? 0) - (b.startAt?.getTime() ?? 0)),
      hasMore,
    };
  }

  async *unfinished(
    { includeStarted, mayLackJob }: UnfinishedQuery,
    signal: AbortSignal,
  ): AsyncGenerator<readonly UnfinishedClaim[]> {
    const { client, place } = this.#options;
    const ids = await claimedIds(client, { place, started: includeStarted }, signal);
    for (const page of pagesOf(ids.filter(mayLackJob), PAGE)) {
      const rows = await client.graphql.rows(CLAIMED, { ids: page, claimed: claimFilters(place) }, signal);
      yield this.#decode(rows, claimedRunIn).flatMap((run) => this.#unfinishedClaim(run));
    }
  }

  async #dueIds(inFlight: number, signal: AbortSignal): Promise<{ ids: string[]; hasMore: boolean }> {
    const { client, clock, prefectTime, labels } = this.#options;
    const nowMs = clock.ticks();
    const before = new Date(prefectTime.now().getTime() + PREFETCH_MS);
    const queued = await client.queuedFlowRunIds(before, labels, signal);
    const isFull = queued.length >= QUEUE_PAGE;
    if (!isFull && nowMs - this.#lastWideQueryMs < STARVATION_CHECK_MS)
      return { ids: queued, hasMore: false };
    this.#lastWideQueryMs = nowMs;
    const wide = await client.dueFlowRunIds(before, labels, { limit: WIDE_PAGE + inFlight, signal });
    return { ids: [...new Set([...queued, ...wide])], hasMore: isFull || wide.length >= WIDE_PAGE };
  }

  #dueRun(flowRun: FlowRun, foundAt: number): DueRun {
    let work: ClaimedWork | undefined;
    return {
      id: flowRun.id,
      name: flowRun.name ?? undefined,
      state: runStateOf(flowRun),
      startAt: flowRun.state === "Running" ? undefined : startTimeOf(flowRun.serialized_state),
      claim: async (readAt = foundAt) => {
        const isRetry = work !== undefined;
        const { place, name, labels, process, newId } = this.#options;
        work ??= workOf(flowRun, { id: newId(), place, agent: { name, labels }, process });
        // An earlier attempt may have succeeded.
        const outcome = await this.#claim(work, isRetry ? -Infinity : readAt);
        if (typeof outcome === "object") throw outcome.error;
        return outcome === "taken" ? "lost" : this.#submission(work);
      },
    };
  }

  /** One of several task runs is enough. `readAt`: ticks when the states were read that are to be replaced. */
  async #claim(work: ClaimedWork, readAt: number): Promise<ClaimOutcome> {
    const { client, clock } = this.#options;
    // Asked when the claim is sent: it may wait for others.
    const mustRead = (): boolean => clock.ticks() - readAt >= FRESH_MS;
    const claims = claimsOf(work).map((claim) => ({ ...claim, mustRead }));
    const [first] = claims;
    // A Running run without scheduled task runs: another agent has just claimed them.
    if (first === undefined) return "taken";
    if (!isOfTasks(work)) return this.#claims.add(first);
    const outcomes = await client.claim(claims, "task_run");
    if (outcomes.includes("claimed")) return "claimed";
    return outcomes.find((outcome) => typeof outcome === "object") ?? "taken";
  }

  #submission(work: ClaimedWork): Submission {
    const { flowRun, claim } = work;
    let ofRun: Promise<Template | undefined> | undefined;
    const template = async (): Promise<Template> => {
      ofRun ??= runTemplate(flowRun, (source) => this.#readTemplate(source));
      return (await ofRun) ?? this.#options.template?.current() ?? DEFAULT_TEMPLATE;
    };
    let hasFailed = false;
    const prepare = async (): Promise<void> => {
      if (hasFailed) ofRun = undefined;
      hasFailed = await template().then(
        () => false,
        () => true,
      );
    };
    return {
      flowRunId: flowRun.id,
      identifiers: identifiersOf(claim.identifier, flowRun.id),
      isFirst: flowRun.version === FIRST_VERSION,
      prepare,
      build: async (identifier): Promise<JobManifest> => {
        const { client, name, labels, process, job } = this.#options;
        const identity = {
          id: client.graphql.agentId,
          name,
          labels,
          tenantId: await client.tenantId(),
          process,
        };
        const settings = { ...job, owner: ownerText(identity) };
        return buildJob({ flowRun, settings, template: await template(), identifier });
      },
      isCurrent: (state) => this.#isCurrent(work, state),
    };
  }

  /** Several runs that need the same text at a time read it once. */
  #readTemplate(source: TemplateSource): Promise<string> {
    const key = `${source.origin.from} ${source.path}`;
    const reading =
      this.#reading.get(key) ?? this.#options.readTemplate(source).finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return reading;
  }

  async #isCurrent(work: ClaimedWork, state: RunState): Promise<boolean> {
    const { flowRun, claim } = work;
    if (!isOfTasks(work)) return state.type === "pending" && state.claim?.id === claim.id;
    if (state.type !== "running") return false;
    const { graphql } = this.#options.client;
    const where = { flow_run_id: { _eq: flowRun.id }, state: { _eq: "Submitted" } };
    const tasks = (await graphql.rows(SUBMITTED_TASKS, { where })).map(taskRunIn);
    return tasks.some((task) => claimIn(task.serialized_state)?.id === claim.id);
  }

  #unfinishedClaim({ flowRun, claimedState, ...seen }: ClaimedRun): readonly UnfinishedClaim[] {
    const claim = claimedState && claimIn(claimedState);
    if (claim === undefined) return [];
    const submission = this.#submission({ flowRun, claim });
    const waitsForTasks = claimedState?.type === "Submitted" && flowRun.task_runs.length > 0;
    return [
      {
        submission,
        record: { ...claim, identifiers: submission.identifiers },
        state: runStateOf(flowRun),
        runLabels: flowRun.labels ?? [],
        waitsForJob: flowRun.state === "Submitted" || waitsForTasks,
        ...seen,
        // Read again: the page may have been read long before its turn.
        reclaim: () => this.#dueRun(flowRun, -Infinity).claim(),
      },
    ];
  }
}
