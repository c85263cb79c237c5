// Every command at terminals of 80 and 120 columns, with runs that have succeeded, failed, run, wait, are due, or have no labels:
// no line is longer than the terminal, no word is broken, and the most important comes first.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { displayWidth } from "../../src/output/text-width.ts";
import { agentPolls, everyRun } from "../support/every-run.ts";
import { linesOnTerminal, noTerminalReason } from "../support/terminal.ts";

/** What a command prints: patterns in this order, or a whole line for each. */
interface Command {
  readonly argv: readonly string[];
  readonly order: readonly RegExp[];
  /** Its lines are other programs', or stay whole to be copied: they may be longer. */
  readonly isData?: boolean;
  /** Its words differ between two calls, or from a pipe. */
  readonly isTable?: boolean;
}

const COMMANDS: readonly Command[] = [
  {
    argv: ["jobs"],
    isTable: true,
    order: [
      /^FLOW RUN +ID +STATE .*PODS .*AGE +STATUS$/,
      /^train .* 0\/1 Error .* failed$/,
      /^works .* active$/,
      /^unlabelled .* pending$/,
      /^lost .* failed$/,
    ],
  },
  {
    argv: ["jobs", "-A"],
    isTable: true,
    order: [/^NAMESPACE +FLOW RUN .*STATUS$/, /^default +train .* failed$/, /^<none> +lost .* failed$/],
  },
  {
    argv: ["jobs", "-o", "wide"],
    isTable: true,
    order: [
      /^FLOW RUN .*STATUS +REASON$/,
      /^pulls .* stuck +image "flows:1"/,
      /^due .* pending +due \d+s ago/,
    ],
  },
  {
    argv: ["inspect", "lost"],
    order: [/^STATUS failed: Failed \d+s ago/, /ValueError/, /^flow run lost /, /^AN AGENT WOULD$/],
  },
  { argv: ["inspect", "train"], order: [/^STATUS failed: /, /^flow run train /, /job\/job-train failed/] },
  {
    argv: ["inspect", "pulls"],
    order: [/^STATUS stuck: image "flows:1"/, /Hint: check the/, /^flow run pulls /],
  },
  { argv: ["inspect", "works"], order: [/^STATUS active: running$/, /^flow run works /] },
  {
    argv: ["inspect", "due"],
    order: [/^STATUS pending: due \d+s ago: no running agent has/, /^flow run due /],
  },
  {
    argv: ["inspect", "unlabelled"],
    order: [/^STATUS pending: due \d+s ago: it has no labels/, /^flow run unlabelled /],
  },
  { argv: ["inspect", "gone"], order: [/^STATUS cancelled: /, /^flow run gone /] },
  {
    argv: ["cleanup", "--dry-run", "--older-than", "0"],
    isTable: true,
    order: [/^OBJECT +REASON/, /^job\.batch\/job-loaded +succeeded/, /^would remove 2 Jobs/],
  },
  {
    argv: ["doctor"],
    isTable: true,
    order: [/^broken +pods: /, /^warning +leftovers: /, /^1 broken, 1 warning/],
  },
  {
    argv: ["logs", "lost"],
    isData: true,
    order: [/^note: the run has no pod here/, /INFO - agent/, /ERROR - k8s-infra/],
  },
  {
    argv: ["logs", "works", "lost"],
    isData: true,
    order: [/^works working$/, /^note: the run has no pod here/, /^lost \[.*\] INFO/],
  },
  {
    argv: ["open", "lost"],
    isData: true,
    order: [/^http:\/\/localhost:8080\/default\/flow-run\/[-\w]{36}$/],
  },
  { argv: ["cancel", "gone"], order: [/^flow run "gone" .* is Cancelled$/, /^removed nothing$/] },
  {
    argv: ["cancel", "nosuch"],
    order: [/^error: cannot find flow run "nosuch": /, /^hint: list the flow runs with:/],
  },
  {
    argv: ["agent", "start", "-n", "nosuch"],
    order: [/^error: cannot create Jobs/, /^hint: create it with:/],
  },
  { argv: ["render", "nosuch"], order: [/^error: cannot find flow run "nosuch"/, /^hint: check the name/] },
  { argv: ["install", "-n", "My_Flows"], order: [/^error: /, /^hint: /] },
  { argv: ["completion"], isData: true, order: [/^#!/] },
  { argv: ["version"], order: [/^kubectl-prefect /] },
];

function wordsOf(text: string): readonly string[] {
  return text
    .replaceAll(/[├└│]─?|^[|` -]+/gm, " ")
    .replaceAll(/\b\d+s\b/g, "AGO")
    .split(/\s+/)
    .filter((word) => word !== "");
}

describe.skipIf(noTerminalReason() !== undefined).each([80, 120])("at %d columns", (columns) => {
  it.each(COMMANDS)("$argv", async ({ argv, order, isData, isTable }) => {
    const { cluster, env, prefect, cli } = await everyRun();
    cluster.fake.writeLog({ namespace: "default", name: "job-works-pod" }, "flow", "working");
    await agentPolls(prefect, "cpu", ["eu"]);
    const home = mkdtempSync(join(tmpdir(), "columns-"));
    onTestFinished(() => rmSync(home, { recursive: true }));
    writeFileSync(join(home, "config"), cluster.fake.kubeconfig());
    const variables = { HOME: home, KUBECONFIG: join(home, "config"), NO_COLOR: "1", ...env };
    // A progress line is overwritten by what comes next.
    const lines = (await linesOnTerminal(argv, columns, variables)).map((line) => line.replace(/^.*\r/, ""));
    const places = order.map((pattern) => lines.findIndex((line) => pattern.test(line)));
    const missing = order.filter((pattern) => !lines.some((line) => pattern.test(line)));
    expect({ missing, lines }).toEqual({ missing: [], lines });
    expect(places).toEqual(places.toSorted((left, right) => left - right));
    if (isData === true) return;
    const long = lines.filter((line) => displayWidth(line) > columns && !line.trim().startsWith("kubectl "));
    expect(long).toEqual([]);
    if (isTable === true) return;
    const { stdout, stderr } = await cli(argv);
    expect(wordsOf(lines.join("\n"))).toEqual(wordsOf(stdout + stderr));
  });
});
