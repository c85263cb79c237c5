// What is drawn of a world: its servers, agents and flow runs, and what happens to them. Plain data, which fast-check draws
// and shrinks; run-plan.ts runs it.

import * as fc from "fast-check";

export interface AgentPlan {
  readonly name: "one" | "two";
  readonly labels: readonly string[];
  readonly cluster: number;
  readonly prefect: number;
  readonly namespace: "default" | "flows";
  readonly replicas: number;
  readonly leaderElect: boolean;
  readonly limit: number | undefined;
  readonly onDisruption: "fail" | "retry";
  /** Seconds; undefined: never. */
  readonly deleteSucceededAfterS: number | undefined;
  readonly deleteFailedAfterS: number | undefined;
  readonly cancelGraceS: number;
}

export type Outcome = (typeof OUTCOMES)[number];

export interface RunPlan {
  /** When it is created, and how long after that it is due. */
  readonly atS: number;
  readonly dueInS: number;
  readonly prefect: number;
  readonly labels: readonly string[];
  readonly outcome: Outcome;
  /** How long its container takes to start, and how long it then runs. */
  readonly startS: number;
  readonly runS: number;
  /** backoffLimit of its own job template; undefined: it has none. */
  readonly backoffLimit?: number | undefined;
  readonly makes?: "a Job" | "a Dask cluster" | undefined;
}

export type ActKind = (typeof FAULTS)[number] | (typeof DEEDS)[number];

/** Something that happens at a moment, and perhaps lasts. */
export interface ActPlan {
  readonly kind: ActKind;
  readonly atS: number;
  readonly forS: number;
  /** Whom it strikes, by number; counted round. */
  readonly target: number;
}

export interface Plan {
  /** What chance does inside the world: latencies, ids, jitter. */
  readonly chance: number;
  readonly flavour: "server" | "cloud" | "cloud with versions";
  readonly clusters: number;
  readonly prefects: number;
  readonly agents: readonly AgentPlan[];
  readonly runs: readonly RunPlan[];
  readonly acts: readonly ActPlan[];
}

/** What becomes of a run's pods if nobody interferes. */
const OUTCOMES = [
  "succeeds",
  "fails itself",
  "crashes",
  "runs out of memory",
  "never ends",
  "has no image",
  "pulls its image late",
  "lacks a Secret",
  "gets its Secret late",
  "crashes again and again",
  "is evicted",
  "finds no node",
  "finds a node late",
  "has its pod refused",
  "has its Job denied",
  "retries a task",
  "ignores its cancellation",
  "ends without a word",
] as const;

/** What goes wrong with machines and networks. */
const FAULTS = [
  "kill",
  "pause",
  "set clock",
  "cut off from Kubernetes",
  "cut off from Prefect",
  "Kubernetes down",
  "Prefect down",
  "Kubernetes errors",
  "Prefect errors",
  "lost requests",
  "lost responses",
  "slow requests",
  "slow responses",
  "Kubernetes refuses the token",
  "cut watches",
  "silent watches",
  "silent watches",
  "silent watches",
  "forget history",
  "no right to create Jobs",
  "full quota",
  "broken webhook",
  "evict a pod",
  "node down",
] as const;

/** What people do. */
const DEEDS = [
  "delete a Job",
  "delete a pod",
  "suspend a Job",
  "cancel a run",
  "set a run to Cancelled",
  "set a run to Failed",
  "set a run to Scheduled",
  "delete a run",
  "clean up",
  "clean up",
  "delete an agent's row",
] as const;

/** Runs come, and faults begin, within this time. */
const BUSY_S = 1_200;

const labels = fc.constantFrom<readonly string[]>(["gpu"], ["gpu"], ["cpu", "gpu"], []);
const number = fc.constantFrom(0, 1);
const seconds = fc.constantFrom(0, 0, 0, 60, undefined);

const agent: fc.Arbitrary<AgentPlan> = fc.record({
  name: fc.constantFrom("one", "two"),
  labels,
  cluster: number,
  prefect: number,
  namespace: fc.constantFrom("default", "default", "flows"),
  replicas: fc.constantFrom(1, 1, 2),
  leaderElect: fc.boolean(),
  limit: fc.constantFrom(undefined, 1, 2),
  onDisruption: fc.constantFrom("fail", "retry"),
  deleteSucceededAfterS: seconds,
  deleteFailedAfterS: seconds,
  cancelGraceS: fc.constantFrom(60, 60, 10),
});

const run: fc.Arbitrary<RunPlan> = fc.record({
  // Some come in bursts.
  atS: fc.oneof(
    { weight: 2, arbitrary: fc.integer({ min: 0, max: BUSY_S }) },
    { weight: 1, arbitrary: fc.constantFrom(60, 600) },
  ),
  dueInS: fc.constantFrom(0, 0, 0, 8, 45),
  prefect: number,
  labels: fc.constantFrom<readonly string[]>(["gpu"], ["gpu"], ["gpu"], []),
  outcome: fc.oneof(
    { weight: 2, arbitrary: fc.constant<Outcome>("succeeds") },
    { weight: 3, arbitrary: fc.constantFrom(...OUTCOMES, "gets its Secret late") },
  ),
  startS: fc.integer({ min: 0, max: 20 }),
  runS: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 200 })),
  backoffLimit: fc.constantFrom(undefined, undefined, undefined, undefined, 1, 3),
  makes: fc.constantFrom(undefined, undefined, undefined, "a Job", "a Dask cluster"),
});

/** An act, and the run that it comes soon after; undefined: at any time. */
type ActDraw = ActPlan & { readonly after: number | undefined };

const act: fc.Arbitrary<ActDraw> = fc.oneof(
  { weight: 1, arbitrary: actAt(fc.integer({ min: 0, max: BUSY_S }), fc.constant(undefined)) },
  // Around its start is when most is done for a run.
  { weight: 3, arbitrary: actAt(fc.integer({ min: -15, max: 60 }), fc.integer({ min: 0, max: 11 })) },
);

function actAt(atS: fc.Arbitrary<number>, after: fc.Arbitrary<number | undefined>): fc.Arbitrary<ActDraw> {
  const kind = fc.oneof(fc.constantFrom(...FAULTS), fc.constantFrom(...DEEDS));
  const forS = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 400 }));
  return fc.record({ kind, atS, forS, target: fc.integer({ min: 0, max: 59 }), after });
}

/** Any world. */
export const plans: fc.Arbitrary<Plan> = fc
  .record({
    chance: fc.noShrink(fc.integer({ min: 0 })),
    flavour: fc.constantFrom("server", "cloud", "cloud with versions"),
    clusters: fc.constantFrom(1, 1, 2),
    prefects: fc.constantFrom(1, 1, 2),
    agents: fc.array(agent, { minLength: 1, maxLength: 4, size: "max" }),
    runs: fc.array(run, { minLength: 1, maxLength: 12, size: "max" }),
    acts: fc.array(act, { maxLength: 14, size: "max" }),
  })
  .map((plan) => ({
    ...plan,
    agents: distinct(plan),
    acts: plan.acts.map((drawn) => timed(drawn, plan.runs)),
  }));

function timed({ after, ...act }: ActDraw, runs: readonly RunPlan[]): ActPlan {
  const run = after === undefined ? undefined : runs[after % runs.length];
  return run === undefined ? act : { ...act, atS: Math.max(0, run.atS + run.dueInS + act.atS) };
}

/** The agents with servers that exist; of those of one place, one name and the same labels only the first. */
function distinct({
  agents,
  clusters,
  prefects,
}: Omit<Plan, "agents"> & { readonly agents: AgentPlan[] }): AgentPlan[] {
  const known = new Map<string, AgentPlan>();
  for (const given of agents) {
    // Failed Jobs that stay and are not finished would fill the limit.
    const limit = given.deleteFailedAfterS === undefined ? undefined : given.limit;
    const here = { ...given, limit, cluster: given.cluster % clusters, prefect: given.prefect % prefects };
    const { name, labels: own, cluster, prefect, namespace } = here;
    const key = JSON.stringify([name, own, cluster, prefect, namespace]);
    if (!known.has(key)) known.set(key, here);
  }
  return [...known.values()];
}
