import { clockOf } from "../../../support/clock.ts";
import { describe, expect, it } from "vitest";
import { withFake } from "./with-fake.ts";

const configMap = (name: string): object => ({ metadata: { name } });

describe("faults", () => {
  it("refuses the nth matching request, and only that", async () => {
    const { fake, kube } = await withFake();
    fake.fault({
      match: ({ verb }) => verb === "create",
      nth: 2,
      effect: { kind: "status", status: 429, retryAfterSeconds: 7 },
    });
    await kube.get(kube.path("configmaps"));
    const codes: number[] = [];
    for (const name of ["a", "b", "c"])
      codes.push((await kube.post(kube.path("configmaps"), configMap(name))).status);
    expect(codes).toEqual([201, 429, 201]);
    expect(fake.get("configmaps", "default", "b")).toBeUndefined();
  });

  it("says when to come back", async () => {
    const { fake, kube } = await withFake();
    fake.fault({ effect: { kind: "status", status: 429, retryAfterSeconds: 7 } });
    const reply = await kube.get("/version");
    expect(reply.headers["retry-after"]).toBe("7");
    expect(reply.body).toMatchObject({
      kind: "Status",
      code: 429,
      reason: "TooManyRequests",
      details: { retryAfterSeconds: 7 },
    });
  });

  it("strikes several times in a row", async () => {
    const { fake, kube } = await withFake();
    fake.fault({ times: 2, effect: { kind: "status", status: 500 } });
    const codes: number[] = [];
    for (let n = 0; n < 3; n++) codes.push((await kube.get("/livez")).status);
    expect(codes).toEqual([500, 500, 200]);
  });

  it.each([
    { when: "before", stored: false },
    { when: "after", stored: true },
  ] as const)("cuts the connection $when the effect", async ({ when, stored }) => {
    const { fake, kube } = await withFake();
    fake.fault({ effect: { kind: "cut", when } });
    await expect(kube.post(kube.path("configmaps"), configMap("a"))).rejects.toMatchObject({
      code: "ECONNRESET",
    });
    expect(fake.get("configmaps", "default", "a") !== undefined).toBe(stored);
    expect(fake.requests.entries.at(-1)?.status).toBe(0);
  });

  it.each([
    { when: "before", stored: false },
    { when: "after", stored: true },
  ] as const)("leaves a request hanging $when its effect, until it is cleared", async ({ when, stored }) => {
    const { fake, kube } = await withFake();
    const struck = Promise.withResolvers<void>();
    fake.setOnRequest((_request, moment) => {
      if (moment === when) struck.resolve();
    });
    fake.fault({ effect: { kind: "hang", when } });
    const hanging = kube.post(kube.path("configmaps"), configMap("a"));
    await struck.promise;
    expect((await kube.get("/livez")).status).toBe(200);
    expect(fake.get("configmaps", "default", "a") !== undefined).toBe(stored);
    fake.clearFaults();
    await expect(hanging).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it("delays a request by the given time", async () => {
    const asked: number[] = [];
    const clock = clockOf({
      now: () => new Date(),
      sleep: (ms: number) => {
        asked.push(ms);
        return Promise.resolve();
      },
    });
    const { fake, kube } = await withFake({ clock });
    fake.fault({ effect: { kind: "delay", ms: 1_234 } });
    expect((await kube.get("/livez")).status).toBe(200);
    expect(asked).toContain(1_234);
  });

  it("ends when it is removed", async () => {
    const { fake, kube } = await withFake();
    const fault = fake.fault({ times: Infinity, effect: { kind: "status", status: 500 } });
    expect((await kube.get("/livez")).status).toBe(500);
    fault.remove();
    expect((await kube.get("/livez")).status).toBe(200);
  });
});

describe("onRequest", () => {
  it("is told before a request has its effect, and after, before the answer", async () => {
    const { fake, kube } = await withFake();
    const seen: string[] = [];
    fake.setOnRequest(async ({ verb, resource, name }, moment) => {
      await Promise.resolve();
      const there = fake.get("configmaps", "default", "a") !== undefined;
      seen.push(`${moment} ${verb} ${resource} ${name} ${there}`);
    });
    await kube.post(kube.path("configmaps"), configMap("a"));
    await kube.delete(kube.path("configmaps", "a"));
    expect(seen).toEqual([
      "before create configmaps  false",
      "after create configmaps  true",
      "before delete configmaps a true",
      "after delete configmaps a false",
    ]);
  });
});
