// The acts of the plan that are under way, and what they do to servers, networks and processes meanwhile.

import type { HttpRequest } from "../../src/http/exchange.ts";
import type { FakeResponse } from "../fakes/http-server.ts";
import { Failure } from "../fakes/kubernetes/failure.ts";
import type { KubeObject } from "../fakes/kubernetes/kube-object.ts";
import { FLOW_RUN_LABEL } from "../../src/job/labels.ts";
import { begin } from "./acts.ts";
import type { Mishap } from "./network.ts";
import type { ActKind, ActPlan } from "./plan.ts";
import type { Acts, Scene } from "./scene.ts";
import { kubeOrigin, prefectOrigin } from "./origins.ts";

/** How likely a request is struck while such a fault lasts. */
const CHANCE = 0.4;
const MAX_DELAY_MS = 20_000;
/** An agent may end when its token has been refused for a minute: neither does one refusal last so long, nor do several in a row. */
const REFUSAL = { longestS: 40, pauseS: 60 };

export class ActiveActs implements Acts {
  readonly #scene: Scene;
  readonly #active = new Set<ActPlan>();
  readonly #allow = new Map<number, () => void>();
  #refusedUntilMs = -Infinity;
  #lastEndMs = 0;
  #nextRefusalMs = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** Begins an act now, and ends it in its time. */
  begin(act: ActPlan): void {
    const forS = act.kind === "Kubernetes refuses the token" ? this.#refusalS(act.forS) : act.forS;
    const end = begin(this.#scene, act);
    this.#active.add(act);
    this.apply();
    this.#scene.world.time.after(forS * 1_000, () => {
      if (REFUSALS.has(act.kind)) this.#refusedUntilMs = this.#scene.nowMs;
      this.#active.delete(act);
      this.#lastEndMs = this.#scene.nowMs;
      end?.();
      this.apply();
    });
  }

  #refusalS(drawnS: number): number {
    const { nowMs } = this.#scene;
    const forS = nowMs < this.#nextRefusalMs ? 0 : Math.min(drawnS, REFUSAL.longestS);
    if (forS > 0) this.#nextRefusalMs = nowMs + (forS + REFUSAL.pauseS) * 1_000;
    return forS;
  }

  get calmSinceMs(): number | undefined {
    return this.#active.size === 0 ? this.#lastEndMs : undefined;
  }

  /** Whether such an act is under way; `target` of so many: against this one. */
  has(kind: ActKind, target = 0, of = 1): boolean {
    return [...this.#active].some((act) => act.kind === kind && act.target % of === target);
  }

  /** Whether a process that has run since then may have been refused. */
  hasRefused(sinceMs: number): boolean {
    return [...this.#active].some(({ kind }) => REFUSALS.has(kind)) || this.#refusedUntilMs >= sinceMs;
  }

  /** Makes servers and networks as the acts under way want them. */
  apply(): void {
    const { world, replicas } = this.#scene;
    const { kubes, prefects, network } = world;
    for (const at of kubes.keys()) {
      const isDown = this.has("Kubernetes down", at, kubes.length);
      world.setDown("kubernetes", isDown, at);
      if (isDown) kubes[at]?.dropWatches();
      this.#allow.get(at)?.();
      this.#allow.delete(at);
      if (this.has("no right to create Jobs", at, kubes.length))
        this.#allow.set(
          at,
          kubes[at]?.forbid({ verbs: ["create"], resources: ["jobs"] }) ?? (() => undefined),
        );
      kubes[at]?.setAdmission((resource, object) => this.#admission(resource, object, at));
    }
    for (const at of prefects.keys())
      world.setDown("prefect", this.has("Prefect down", at, prefects.length), at);
    for (const [at, { process, cluster, prefect }] of replicas.entries()) {
      if (process === undefined) continue;
      const cut = (kind: ActKind, origin: string): void =>
        this.has(kind, at, replicas.length) ? network.cut(process, origin) : network.heal(process, origin);
      cut("cut off from Kubernetes", kubeOrigin(cluster));
      cut("cut off from Prefect", prefectOrigin(prefect));
    }
  }

  /** What goes wrong with a request now. */
  mishap({ url }: HttpRequest): Mishap | undefined {
    const { random } = this.#scene.world;
    const isKube = url.origin.includes("kubernetes");
    for (const { kind, target } of this.#active) {
      const mishap = MISHAPS[kind];
      if (
        mishap === undefined ||
        (mishap.of !== undefined && mishap.of !== (isKube ? "kubernetes" : "prefect"))
      )
        continue;
      const servers = isKube ? this.#scene.world.kubes.length : this.#scene.world.prefects.length;
      if (mishap.of !== undefined && !url.hostname.endsWith(`-${target % servers}.test`)) continue;
      if (random() < (mishap.always === true ? 1 : CHANCE)) return mishap.draw(random);
    }
    return undefined;
  }

  #admission(resource: string, object: KubeObject, cluster: number): Failure | undefined {
    if (resource !== "jobs") return undefined;
    const { kubes } = this.#scene.world;
    const { name, labels } = object.metadata;
    const refused = (code: number, message: string): Failure =>
      new Failure(message, { code, reason: "Forbidden", details: { name, group: "batch", kind: "jobs" } });
    const run = this.#scene.runs.get(labels?.[FLOW_RUN_LABEL] ?? "");
    if (run?.plan.outcome === "has its Job denied") {
      this.#scene.cause(run, "its Job is denied");
      return refused(
        403,
        'admission webhook "policy.test" denied the request: no Job of this flow is allowed',
      );
    }
    if (this.has("broken webhook", cluster, kubes.length))
      return new Failure(
        'Internal error occurred: failed calling webhook "policy.test": context deadline exceeded',
        {
          code: 500,
          reason: "InternalError",
        },
      );
    if (this.has("full quota", cluster, kubes.length))
      return refused(
        403,
        `jobs.batch "${name}" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, used: count/jobs.batch=5, limited: count/jobs.batch=5`,
      );
    return undefined;
  }
}

const REFUSALS = new Set<ActKind>(["Kubernetes refuses the token", "no right to create Jobs"]);

interface RequestFault {
  readonly of?: "kubernetes" | "prefect";
  readonly always?: boolean;
  readonly draw: (random: () => number) => Mishap;
}

/** Faults of single requests. */
const MISHAPS: Readonly<Partial<Record<ActKind, RequestFault>>> = {
  "lost requests": { draw: () => "lost before" },
  "lost responses": { draw: () => "lost after" },
  "slow requests": { draw: (random) => ({ delayMs: random() * MAX_DELAY_MS }) },
  "slow responses": { draw: (random) => ({ answerMs: random() * MAX_DELAY_MS }) },
  "Kubernetes errors": { of: "kubernetes", draw: (random) => ({ instead: kubeError(random) }) },
  "Prefect errors": { of: "prefect", draw: (random) => ({ instead: prefectError(random) }) },
  "Kubernetes refuses the token": {
    of: "kubernetes",
    always: true,
    draw: () => ({ instead: status(401, "Unauthorized", "Unauthorized") }),
  },
};

function kubeError(random: () => number): FakeResponse {
  const errors = [
    status(500, "InternalError", "etcdserver: leader changed"),
    status(503, "ServiceUnavailable", "the server is currently unable to handle the request"),
    status(504, "Timeout", "request did not complete within the allotted timeout"),
    status(429, "TooManyRequests", "too many requests"),
    { status: 502, headers: { "content-type": "text/html" }, body: "<html>Bad Gateway</html>" },
  ];
  return errors[Math.floor(random() * errors.length)] ?? "cut";
}

function status(code: number, reason: string, message: string): FakeResponse {
  const body = JSON.stringify({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    code,
  });
  return { status: code, headers: { "content-type": "application/json" }, body };
}

function prefectError(random: () => number): FakeResponse {
  const headers = { "content-type": "application/json; charset=utf-8" };
  const errors = [
    { status: 500, headers: { "content-type": "text/html" }, body: "<html>Internal Server Error</html>" },
    { status: 502, headers: { "content-type": "text/html" }, body: "<html>Bad Gateway</html>" },
    {
      status: 200,
      headers,
      body: JSON.stringify({
        data: null,
        errors: [
          {
            message: "Unable to complete operation. An internal API error occurred.",
            extensions: { code: "API_ERROR" },
          },
        ],
      }),
    },
  ];
  return errors[Math.floor(random() * errors.length)] ?? "cut";
}
