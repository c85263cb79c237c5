// RUN where none is given, at a real terminal and elsewhere.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { everyRun } from "../support/every-run.ts";
import { noTerminalReason, PROGRAM, Terminal } from "../support/terminal.ts";

async function atTerminal(argv: readonly string[]): Promise<Terminal> {
  const { cluster, env } = await everyRun();
  const home = mkdtempSync(join(tmpdir(), "pick-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  writeFileSync(join(home, "config"), cluster.fake.kubeconfig());
  const variables = { HOME: home, KUBECONFIG: join(home, "config"), NO_COLOR: "1", TERM: "xterm", ...env };
  return new Terminal([...PROGRAM, ...argv], { columns: 80, rows: 30 }, variables);
}

describe.skipIf(noTerminalReason() !== undefined)("at a terminal, a command without RUN", () => {
  it("offers the latest runs, and takes a number", async () => {
    const terminal = await atTerminal(["inspect"]);
    await terminal.shows(/RUN \(a number, a name or an id\):/);
    const lines = terminal.screen.seen();
    expect(lines[0]).toMatch(/^ *# +FLOW RUN +ID +STATE +STATUS$/);
    const number = /^ *(\d+) +lost /m.exec(lines.join("\n"))?.[1];
    terminal.types(`${number}\n`);
    await terminal.shows(/STATUS failed: Failed .* ago: Kubernetes Error/);
    expect(await terminal.ended).toBe(0);
  });

  it("takes a name, too", async () => {
    const terminal = await atTerminal(["logs"]);
    await terminal.shows(/RUN \(a number, a name or an id\):/);
    terminal.types("lost\n");
    await terminal.shows(/ValueError: no rows in table orders/);
    expect(await terminal.ended).toBe(0);
  });

  it("does nothing without an answer", async () => {
    const terminal = await atTerminal(["cancel"]);
    await terminal.shows(/RUN \(a number, a name or an id\):/);
    terminal.types("\n");
    await terminal.shows(/error: RUN is missing/);
    expect(await terminal.ended).toBe(2);
  });
});

describe("elsewhere", () => {
  it.each(["inspect", "logs", "cancel", "open"])("%s needs RUN", async (command) => {
    const { cli } = await everyRun();
    const { stderr, exitCode } = await cli([command]);
    expect(stderr).toMatch(/^error: RUN is missing\nhint: usage: kubectl prefect \w+ RUN /);
    expect(exitCode).toBe(2);
  });
});
