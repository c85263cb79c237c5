import { describe, expect, it } from "vitest";
import { ownFlags, withOwnFlags } from "../../src/cli/own-flags.ts";

const NONE = { backend: undefined, api: undefined, tenantId: undefined };

describe("commands that are shown", () => {
  it("stay as they are if the user gave no flags", () => {
    for (const command of ["kubectl logs agent-1 -n flows", "kubectl prefect inspect fox"])
      expect(withOwnFlags(command, ownFlags({}, NONE), "")).toBe(command);
  });

  it("repeat the user's flags, those of Prefect only for kubectl prefect", () => {
    const connection = { context: "my prod", kubeconfig: "/k", as: "me", asGroups: ["a", "b"] };
    const own = ownFlags(connection, { ...NONE, backend: "server", api: "http://p:4200" });
    const cluster = "-n flows --context 'my prod' --kubeconfig /k --as me --as-group a --as-group b";
    expect(withOwnFlags("kubectl get pods -n flows", own, "")).toBe(`kubectl get pods ${cluster}`);
    expect(withOwnFlags("kubectl prefect cleanup -n flows", own, "")).toBe(
      `kubectl prefect cleanup ${cluster} -b server -a http://p:4200`,
    );
  });

  it("show no password of an address", () => {
    const own = ownFlags({ server: "https://u:pw@kube" }, { ...NONE, api: "http://u:pw@prefect" });
    expect(withOwnFlags("kubectl prefect cleanup", own, "")).toBe(
      "kubectl prefect cleanup -s https://kube -a http://prefect",
    );
  });
});
