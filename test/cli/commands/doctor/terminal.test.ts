// kubectl prefect doctor on a real terminal of 80 columns: lines are broken between words, and commands where a shell allows it.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { noTerminalReason, Terminal } from "../../../support/terminal.ts";
import { AGENT, putAgentPod, startTestCluster } from "./cluster.ts";

const MAIN = fileURLToPath(new URL("../../../../src/main.ts", import.meta.url));

const absent = noTerminalReason();
if (absent !== undefined) process.stderr.write(`skipped, doctor on a terminal: ${absent}\n`);

describe.skipIf(absent !== undefined)("kubectl prefect doctor on a terminal", () => {
  it("shows the problems first, each with what to do, and fits them to the window", async () => {
    const testCluster = await startTestCluster();
    putAgentPod(testCluster, [], {
      ready: false,
      restartCount: 2,
      lastState: { terminated: { exitCode: 4 } },
    });
    testCluster.kube.forbid({ user: AGENT, verbs: ["create"], resources: ["jobs"] });
    const home = mkdtempSync(join(tmpdir(), "terminal-"));
    onTestFinished(() => rmSync(home, { recursive: true }));
    const kubeconfig = join(home, "kubeconfig");
    writeFileSync(kubeconfig, testCluster.kube.kubeconfig({ token: "admin" }));
    const env = { HOME: home, TERM: "xterm", NO_COLOR: "1" };
    const command = [
      process.execPath,
      MAIN,
      "doctor",
      "-n",
      "flows",
      "--context",
      "fake",
      "--kubeconfig",
      kubeconfig,
    ];
    const terminal = new Terminal(command, { columns: 80, rows: 40 }, env);
    await terminal.shows(/\n2 broken, .* ok$/m);
    const shown = terminal.screen.seen().join("\n");
    expect(shown).toContain(`broken   agent's pods: agent-1 is crashing: container 'agent' exited with code
         4, restarted 2 times
         hint: read its log
           kubectl logs agent-1 -c agent --previous -n flows --context fake \\
             --kubeconfig`);
    expect(shown).toContain(`broken   launching flow runs: ServiceAccount flows/prefect-agent may not create
         jobs
         hint: grant it
           kubectl prefect install --rbac=minimal --rbac-only -n flows | \\
             kubectl apply -f - -n flows --context fake \\
             --kubeconfig`);
    expect(shown).toContain("\nPermissions: 7 ok\n");
    expect(await terminal.ended).toBe(1);
  });
});
