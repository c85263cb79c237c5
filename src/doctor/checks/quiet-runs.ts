// Flow runs that are under way in Prefect and silent: claimed without a Job, or without a heartbeat, which Lazarus looks for.

import type { QuietRun } from "../../prefect1/doctor-queries.ts";
import { since } from "./agents.ts";
import type { Answer } from "../answer.ts";
import { unanswered } from "../answer.ts";
import type { Finding } from "../finding.ts";
import { counted, firstOf } from "../finding.ts";

const SECTION = "flow runs";
/** So many are asked for. */
export const QUIET_AT_MOST = 500;
/** From then on Lazarus takes a run for lost (prefect-1 protocol 10.5). */
export const STALE_AFTER_MS = 600_000;
/** Lazarus comes every ten minutes; a run that is silent for much longer was not looked for. */
const OVERLOOKED_AFTER_MS = 1_500_000;
/** A claim becomes a Job within seconds. */
const JOBLESS_AFTER_MS = 60_000;
const MAX_RESURRECTIONS = 3;

/** What the cluster knows: where we are, and which runs have a Job there; undefined when Jobs could not be listed. */
export interface JobsHere {
  readonly scope: string;
  readonly withJobs: ReadonlySet<string>;
}

/** Findings about claims without a Job, and about missing heartbeats. `now` is the API's clock. */
export function quietFindings(
  runs: Answer<readonly QuietRun[]>,
  given: { readonly here: JobsHere | undefined; readonly now: Date },
): readonly Finding[] {
  if (!runs.ok) return [unanswered({ section: SECTION, check: "silent flow runs" }, runs.error)];
  const { here, now } = given;
  const jobless = runs.value.filter((run) => isJobless(run, here, now));
  const stale = runs.value.filter((run) => !jobless.includes(run) && silentMs(run, now) > STALE_AFTER_MS);
  const findings = [...joblessFinding(jobless, now), ...staleFindings(stale, now)];
  if (findings.length > 0) return findings;
  const count = runs.value.length;
  const message = count === 0 ? "none" : `none; ${counted(count, "run")} just Submitted`;
  return [{ section: SECTION, check: "silent flow runs", status: "ok", message }];
}

/** Claimed by an agent of ours for this very scope, for a while, and still without a Job. */
function isJobless({ id, scope, stateAt, state }: QuietRun, here: JobsHere | undefined, now: Date): boolean {
  if (here === undefined || state !== "Submitted" || scope !== here.scope || here.withJobs.has(id))
    return false;
  return stateAt !== undefined && now.getTime() - stateAt.getTime() > JOBLESS_AFTER_MS;
}

/** A run without any heartbeat is never stale to Prefect's services. */
function silentMs({ heartbeatAt }: QuietRun, now: Date): number {
  return heartbeatAt === undefined ? 0 : now.getTime() - heartbeatAt.getTime();
}

function joblessFinding(jobless: readonly QuietRun[], now: Date): readonly Finding[] {
  const [first] = jobless;
  if (first === undefined) return [];
  const waited = first.stateAt === undefined ? "" : ` for ${longest(jobless, ({ stateAt }) => stateAt, now)}`;
  const has = jobless.length === 1 ? "has" : "have";
  return [
    {
      section: SECTION,
      check: "claims without a Job",
      status: "broken",
      message: `${counted(jobless.length, "flow run")} Submitted${waited} for this namespace ${has} no Job`,
      hint: "start the agent again: it finishes what it has claimed within seconds; its log tells what is in its way",
      ...naming(jobless),
    },
  ];
}

function staleFindings(stale: readonly QuietRun[], now: Date): readonly Finding[] {
  const heartbeat = ({ heartbeatAt }: QuietRun): Date | undefined => heartbeatAt;
  const forsaken = stale.filter((run) => !run.isLookedAfter);
  const rest = stale.filter((run) => run.isLookedAfter);
  const last = rest.filter((run) => run.timesResurrected >= MAX_RESURRECTIONS);
  const overlooked = rest.filter((run) => !last.includes(run) && silentMs(run, now) > OVERLOOKED_AFTER_MS);
  const soon = rest.filter((run) => !last.includes(run) && !overlooked.includes(run));
  const about = { section: SECTION, check: "silent flow runs", status: "warning" } as const;
  const finding = (
    runs: readonly QuietRun[],
    words: (silent: string) => string,
    hint: string,
  ): readonly Finding[] => {
    if (runs.length === 0) return [];
    const silent = `${counted(runs.length, "flow run")} without a heartbeat for ${longest(runs, heartbeat, now)}`;
    return [{ ...about, message: words(silent), hint, ...naming(runs) }];
  };
  const cancel = "cancel them: kubectl prefect cancel RUN; then start them again in Prefect";
  return [
    ...finding(
      forsaken,
      (silent) => `${silent}; their flows turn heartbeats or Lazarus off, so nothing will start them again`,
      cancel,
    ),
    ...finding(
      last,
      (silent) => `${silent}; Lazarus has started them ${MAX_RESURRECTIONS} times and will fail them now`,
      "see why their Jobs die: kubectl prefect inspect RUN",
    ),
    ...finding(
      overlooked,
      (silent) => `${silent}; Lazarus comes every 10 minutes and has left them alone`,
      "see that Prefect's own services run (the serverServices container of a server), or cancel them: kubectl prefect cancel RUN",
    ),
    ...finding(
      soon,
      (silent) => `${silent}; Lazarus will start them again within 10 minutes`,
      "see whether their Jobs still live: kubectl prefect inspect RUN",
    ),
  ];
}

function longest(runs: readonly QuietRun[], at: (run: QuietRun) => Date | undefined, now: Date): string {
  const moments = runs.flatMap((run) => at(run)?.getTime() ?? []);
  return `${moments.length > 1 ? "up to " : ""}${since(new Date(Math.min(...moments)), now)}`;
}

function naming(runs: readonly QuietRun[]): Pick<Finding, "details" | "data"> {
  return {
    details: [firstOf(runs.map(({ name, state }) => `${name} (${state})`))],
    data: { flowRuns: runs.map(({ id, name, state }) => ({ id, name, state })) },
  };
}
