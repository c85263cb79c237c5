import { describe, expect, it } from "vitest";
import { ownCommands } from "../../src/cli/own-flags.ts";

const NONE = { backend: undefined, api: undefined, tenantId: undefined };

describe("commands that are shown", () => {
  it("have no flags but the namespace if the user gave none", () => {
    const { kubectl, prefect } = ownCommands({}, NONE);
    expect(kubectl("logs agent-1", "flows")).toBe("kubectl logs agent-1 -n flows");
    expect(prefect("inspect fox")).toBe("kubectl prefect inspect fox");
  });

  it("repeat the user's flags, those of Prefect only for kubectl prefect", () => {
    const connection = { context: "my prod", kubeconfig: "/k", as: "me", asGroups: ["a", "b"] };
    const { kubectl, prefect } = ownCommands(connection, {
      ...NONE,
      backend: "server",
      api: "http://p:4200",
    });
    const cluster = "-n flows --context 'my prod' --kubeconfig /k --as me --as-group a --as-group b";
    expect(kubectl("get pods", "flows")).toBe(`kubectl get pods ${cluster}`);
    expect(prefect("cleanup", "flows")).toBe(`kubectl prefect cleanup ${cluster} -b server -a http://p:4200`);
  });

  it("show no password of an address", () => {
    const { prefect } = ownCommands({ server: "https://u:pw@kube" }, { ...NONE, api: "http://u:pw@prefect" });
    expect(prefect("cleanup")).toBe("kubectl prefect cleanup -s https://kube -a http://prefect");
  });
});
