// What the scenario of credentials does not show: which answers are refusals, and that a break starts the minute again. In
// virtual time.

import { beforeEach, describe, expect, it } from "vitest";
import { CredentialCheck, isRefusal } from "../../src/agent/credentials.ts";
import { KubeError } from "../../src/kube/client/errors.ts";
import { PrefectError } from "../../src/orchestrator/errors.ts";
import type { PrefectFailure } from "../../src/orchestrator/errors.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

function kubeError(status: number): KubeError {
  return new KubeError("ask", "no", { status, reason: "" });
}

function prefectError(failure: PrefectFailure): PrefectError {
  return new PrefectError("ask", "no", { failure });
}

describe("an answer", () => {
  it.each([
    { name: "401 of Kubernetes", error: kubeError(401), want: true },
    { name: "403 of Kubernetes, which is a matter of permissions", error: kubeError(403), want: false },
    { name: "no answer of Kubernetes", error: kubeError(0), want: false },
    { name: "an outage of Kubernetes", error: kubeError(503), want: false },
    { name: "a key that Prefect refuses", error: prefectError("unauthorized"), want: true },
    { name: "a tenant that Prefect does not know", error: prefectError("refused"), want: true },
    { name: "an outage of Prefect", error: prefectError("overloaded"), want: false },
    { name: "a proxy's page in Prefect's place", error: prefectError("unreadable"), want: false },
    {
      name: "a credential plugin that fails, without an answer of Kubernetes",
      error: new KubeError("get credentials", "exit code 255", { status: 401, reason: "CredentialPlugin" }),
      want: false,
    },
    { name: "a bug", error: new TypeError("no"), want: false },
  ])("$name refuses the credentials: $want", ({ error, want }) => {
    expect(isRefusal(error)).toBe(want);
  });
});

describe("the check of credentials", () => {
  let clock: VirtualClock;
  let check: CredentialCheck;
  let asked: string[];

  beforeEach(() => {
    clock = new VirtualClock();
    check = new CredentialCheck(clock);
    asked = [];
  });

  /** Runs for so many seconds. Resolves with the error that ends it, and after how many seconds. */
  async function run(
    seconds: number,
    answerAt: (second: number, api: string) => Error | undefined = () => undefined,
  ): Promise<{ readonly error: unknown; readonly second: number } | undefined> {
    const stop = new AbortController();
    const startMs = clock.now().getTime();
    const second = (): number => (clock.now().getTime() - startMs) / 1_000;
    const ask = (api: string): void => {
      asked.push(api);
      const error = answerAt(second(), api);
      if (error !== undefined) throw error;
    };
    const deps = {
      work: { authenticate: async () => ask("prefect") },
      kube: { canI: async () => ask("kubernetes") === undefined },
    };
    const ended: { error: unknown; second: number }[] = [];
    const running = check
      .run(deps, stop.signal)
      .catch((error: unknown) => ended.push({ error, second: second() }));
    // Time passes also while the check waits for nothing but a suspicion.
    void clock.sleep(seconds * 1_000, stop.signal);
    while (second() < seconds && ended.length === 0) await clock.advance();
    stop.abort();
    await running;
    return ended[0];
  }

  it("asks nothing until an API has refused a call", async () => {
    await run(3_600);
    expect(asked).toEqual([]);
  });

  it("asks the API that refused a call, once if it accepts the credentials", async () => {
    check.suspect("prefect");
    await run(600);
    expect(asked).toEqual(["prefect"]);
  });

  it("ends with the API's error after a minute of refusals", async () => {
    const refused = kubeError(401);
    check.suspect("kubernetes");
    expect(await run(120, () => refused)).toEqual({ error: refused, second: 60 });
  });

  it("starts the minute again when the API does not answer in between", async () => {
    const refused = kubeError(401);
    check.suspect("kubernetes");
    const ended = await run(200, (second) => (second === 45 ? kubeError(0) : refused));
    expect(ended).toEqual({ error: refused, second: 110 });
  });

  it("goes on while a credential plugin fails, and ends with the API's refusals after it", async () => {
    const refused = kubeError(401);
    const failed = new KubeError("get credentials", "exit 255", { status: 401, reason: "CredentialPlugin" });
    check.suspect("kubernetes");
    const ended = await run(400, (second) => (second < 200 ? failed : refused));
    expect(ended?.error).toBe(refused);
    expect(ended?.second).toBeGreaterThanOrEqual(260);
  });

  it("asks one API while the other does not answer", async () => {
    const refused = kubeError(401);
    check.suspect("prefect");
    check.suspect("kubernetes");
    const ended = await run(200, (_, api) => (api === "prefect" ? prefectError("overloaded") : refused));
    expect(ended).toEqual({ error: refused, second: 60 });
  });

  it("asks no more where the question itself is forbidden: the API knows who asks", async () => {
    check.suspect("kubernetes");
    await run(3_600, () => kubeError(403));
    expect(asked).toEqual(["kubernetes"]);
  });
});
