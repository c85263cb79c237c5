import { describe, expect, it } from "vitest";
import { retrying } from "../../src/cleanup/retrying.ts";
import { KubeError } from "../../src/kube/client/errors.ts";
import { clockOf } from "../support/clock.ts";

/** Deletes a Job at an API server that refuses the first calls; returns the outcome and the number of calls. */
async function deletion(refusals: number, status: number, controller = new AbortController()) {
  let calls = 0;
  const answer = (): Promise<"deleted"> => {
    if (++calls > refusals) return Promise.resolve("deleted");
    const details = { status, reason: "", retryAfterMs: 1_000 };
    return Promise.reject(new KubeError("delete a Job", "not now", details));
  };
  const unused = (): Promise<never> => Promise.reject(new Error("unused"));
  const kube = { delete: answer, get: unused, listPage: unused };
  const clock = clockOf({ now: () => new Date(0) });
  const { signal } = controller;
  const outcome = await retrying(kube, clock, signal)
    .delete("jobs", { namespace: "flows", name: "j" }, {})
    .catch((error: unknown) => String(error));
  return { outcome, calls };
}

describe("a call to the API server", () => {
  it("is tried again as long as the server has too much to do", async () => {
    expect(await deletion(50, 429)).toEqual({ outcome: "deleted", calls: 51 });
  });

  it.each([
    { name: "another passing reason six times", status: 503, want: 6 },
    { name: "too much to do a minute long", status: 429, want: 60 },
    { name: "a refusal once", status: 403, want: 1 },
  ])("fails after $name", async ({ status, want }) => {
    const { outcome, calls } = await deletion(Number.POSITIVE_INFINITY, status);
    expect(outcome).toContain("not now");
    expect(calls).toBe(want);
  });

  it.each([
    { resource: "daskclusters", want: 1 },
    { resource: "jobs", want: 6 },
  ] as const)(
    "that lists $resource, and gets a page with 404, is sent so often: $want",
    async ({ resource, want }) => {
      let calls = 0;
      const page = { status: 404, reason: "NotFound", isStatus: false };
      const listPage = (): Promise<never> => {
        calls++;
        return Promise.reject(new KubeError("list", "404 page not found", page));
      };
      const unused = (): Promise<never> => Promise.reject(new Error("unused"));
      const clock = clockOf({ now: () => new Date(0) });
      const api = retrying({ delete: unused, get: unused, listPage }, clock, new AbortController().signal);
      await expect(api.listPage(resource, {})).rejects.toThrow("404 page not found");
      expect(calls).toBe(want);
    },
  );

  it("is not tried again after an interrupt", async () => {
    const controller = new AbortController();
    controller.abort();
    expect((await deletion(1, 429, controller)).calls).toBe(1);
  });
});
