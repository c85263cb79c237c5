import { describe, expect, it } from "vitest";
import { checkPermissions } from "../../src/agent/permission-check.ts";
import type { Log } from "../../src/base/log.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Access, KubeApi } from "../../src/kube/client/api.ts";
import { KubeError } from "../../src/kube/client/errors.ts";

function allowing(may: (access: Access) => boolean): KubeApi {
  return { canI: (access: Access) => Promise.resolve(may(access)) } as unknown as KubeApi;
}

async function warnings(may: (access: Access) => boolean, leaderElect = false): Promise<string[]> {
  const said: string[] = [];
  const log: Log = {
    ...silentLog,
    warn: (message, fields) => said.push(`${message}: ${String(fields?.["missing"])}`),
  };
  await checkPermissions({ kube: allowing(may), log }, "flows", leaderElect);
  return said;
}

describe("checkPermissions", () => {
  it("says nothing when nothing is missing", async () => {
    expect(await warnings(() => true)).toEqual([]);
  });

  it("names what is missing and which feature is off", async () => {
    expect(await warnings(({ resource }) => resource !== "events")).toEqual([
      "Missing permissions for events in flow runs' logs: list events, watch events",
    ]);
    expect(await warnings(({ subresource }) => subresource !== "log")).toEqual([
      "Missing permissions for logs of failed pods: get pods/log",
    ]);
  });

  it("ends the agent when it could launch or follow nothing", async () => {
    const may = ({ resource, verb }: Access): boolean => !(resource === "jobs" && verb === "create");
    await expect(warnings(may)).rejects.toMatchObject({
      exitCode: 4,
      message: 'cannot work in namespace "flows": not allowed to create jobs.batch',
    });
  });

  it("asks for the Lease only where a leader is elected", async () => {
    const may = ({ resource }: Access): boolean => resource !== "leases";
    expect(await warnings(may)).toEqual([]);
    await expect(warnings(may, true)).rejects.toThrow("leases");
  });

  it("goes on when the question itself is not answered, but not with wrong credentials", async () => {
    const failing = (status: number): KubeApi =>
      ({
        canI: () => Promise.reject(new KubeError("ask", "no", { status, reason: "x" })),
      }) as unknown as KubeApi;
    await expect(
      checkPermissions({ kube: failing(500), log: silentLog }, "flows", false),
    ).resolves.toBeUndefined();
    await expect(
      checkPermissions({ kube: failing(401), log: silentLog }, "flows", false),
    ).rejects.toMatchObject({
      status: 401,
    });
  });
});
