import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { whileLeading } from "../../../src/agent/presence/leader.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import type { KubeApi } from "../../../src/kube/api.ts";
import { connectKube } from "../../../src/kube/connect.ts";
import type { KubeStandin } from "../../../src/standin/kube/kube-standin.ts";
import { startKubeStandin } from "../../../src/standin/kube/kube-standin.ts";

/** A clock a thousand times as fast: seconds pass as milliseconds, for everybody in the test alike. */
const born = Date.now();
const fast: Clock = {
  now: () => new Date(born + (Date.now() - born) * 1_000),
  sleep: (ms, signal) => systemClock.sleep(ms / 1_000, signal),
};
const lease = { name: "prefect-agent", namespace: "default" };

let standin: KubeStandin;
let kube: KubeApi;

beforeEach(async () => {
  standin = await startKubeStandin();
  const kubeconfig = standin.kubeconfig();
  const readFile = (path: string): string | undefined => (path === "/kubeconfig" ? kubeconfig : undefined);
  const deps = { env: {}, home: undefined, clock: systemClock, readFile, userAgent: "test" };
  kube = (await connectKube({ kubeconfig: "/kubeconfig" }, deps)).kube;
});

afterEach(async () => {
  kube.close();
  await standin.stop();
});

interface Candidate {
  readonly leads: Promise<void>;
  readonly lost: Promise<void>;
  readonly stop: () => void;
  readonly ended: Promise<void>;
}

function candidate(identity: string, through: Pick<KubeApi, "get" | "create" | "replace"> = kube): Candidate {
  const stopping = new AbortController();
  const leads = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<void>();
  const options = { kube: through, clock: fast, log: silentLog, lease, identity, onProgress: () => {} };
  const ended = whileLeading(options, stopping.signal, async (signal) => {
    leads.resolve();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    lost.resolve();
  });
  return { leads: leads.promise, lost: lost.promise, stop: () => stopping.abort(), ended };
}

async function holder(): Promise<unknown> {
  return (await kube.get("leases", lease))?.spec?.["holderIdentity"];
}

describe("whileLeading", () => {
  it("lets one work, and hands over when it ends in good order", async () => {
    const first = candidate("first");
    await first.leads;
    expect(await holder()).toBe("first");
    const second = candidate("second");
    first.stop();
    await first.ended;
    await second.leads;
    expect(await holder()).toBe("second");
    second.stop();
    await second.ended;
    expect(await holder()).toBe("");
  });

  it("takes over from a leader that died without a word", async () => {
    const spec = { holderIdentity: "dead", leaseDurationSeconds: 15, leaseTransitions: 4 };
    const body = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: lease.name },
      spec,
    };
    await kube.create("leases", body, { namespace: lease.namespace });
    const next = candidate("next");
    await next.leads;
    expect((await kube.get("leases", lease))?.spec).toMatchObject({
      holderIdentity: "next",
      leaseTransitions: 5,
    });
    next.stop();
    await next.ended;
  });

  it("stops working when it cannot renew in time", async () => {
    let broken = false;
    const through: Pick<KubeApi, "get" | "create" | "replace"> = {
      get: (...args) => (broken ? Promise.reject(new Error("down")) : kube.get(...args)),
      create: (...args) => kube.create(...args),
      replace: (...args) => kube.replace(...args),
    };
    const only = candidate("only", through);
    await only.leads;
    broken = true;
    await only.lost;
    only.stop();
    await only.ended;
    expect(await holder()).toBe("only");
  });
});
