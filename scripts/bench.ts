// `npm run bench`: measures speed and size, as ratios within one run. `npm run bench -- startup launch` measures only those two;
// `-o FILE` writes all measurements as JSON. Exits with 1 if a bound is not met.

import { access, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { SettingsError } from "../src/base/errors.ts";
import { cleanup } from "./bench/cleanup.ts";
import { delay } from "./bench/delay.ts";
import { failure } from "./bench/failure.ts";
import { isMet, lineOf, skipReason } from "./bench/figure.ts";
import type { Figure, Measurement, BenchContext } from "./bench/figure.ts";
import { jobs } from "./bench/jobs.ts";
import { launch } from "./bench/launch.ts";
import { memory } from "./bench/memory.ts";
import { quiet } from "./bench/quiet.ts";
import { restart } from "./bench/restart.ts";
import { startup } from "./bench/startup.ts";
import { runNode } from "./binary/run-node.ts";
import { projectPath, readProject, requireNode, runScript } from "./project.ts";

const FIGURES: readonly Figure[] = [startup, launch, delay, failure, quiet, memory, restart, jobs, cleanup];
const INTERRUPTED = 130;

/** The figures with these names; without names, all. Throws SettingsError for an unknown name. */
function chosen(names: readonly string[]): readonly Figure[] {
  for (const name of names) {
    if (FIGURES.some((figure) => figure.name === name)) continue;
    throw new SettingsError(`cannot measure "${name}": unknown figure`, {
      hint: `available figures: ${FIGURES.map((figure) => figure.name).join(", ")}`,
    });
  }
  return names.length === 0 ? FIGURES : FIGURES.filter(({ name }) => names.includes(name));
}

/** The executable of `npm run build`; builds it if it is missing. */
async function binary(): Promise<string> {
  const path = projectPath("dist", process.platform === "win32" ? "kubectl-prefect.exe" : "kubectl-prefect");
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  if (!exists) await runNode([projectPath("scripts", "build.ts")]);
  return path;
}

/** `save`: called after each figure, so that one that fails loses none before it. */
async function measureAll(
  figures: readonly Figure[],
  context: BenchContext,
  save: (measurements: readonly Measurement[]) => Promise<void>,
): Promise<readonly Measurement[]> {
  const all: Measurement[] = [];
  for (const { name, needs, measure } of figures) {
    const reason = skipReason(needs, { kubeconfig: context.kubeconfig, platform: process.platform });
    if (reason !== undefined) console.log(`${name}: skipped: ${reason}`);
    else {
      const measured = await measure(context);
      for (const measurement of measured) console.log(lineOf(measurement));
      all.push(...measured);
      await save(all);
    }
  }
  return all;
}

await runScript(async () => {
  const options = { output: { type: "string", short: "o" }, original: { type: "string" } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const figures = chosen(positionals);
  const project = await readProject();
  requireNode(project);
  // exit() also ends the agent.
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(INTERRUPTED));
  const { KUBECONFIG: kubeconfig } = process.env;
  const context: BenchContext = {
    binary: await binary(),
    kubeconfig: kubeconfig === "" ? undefined : kubeconfig,
    original: values.original,
    log: (line) => console.error(line),
  };
  const machine = { cpus: cpus().map(({ model }) => model), platform: process.platform, arch: process.arch };
  const about = { version: project.version, at: new Date(), node: project.nodeVersion, machine };
  const measurements = await measureAll(figures, context, async (all) => {
    if (values.output === undefined) return;
    const results = all.map((each) => ({ ...each, met: isMet(each) }));
    await writeFile(values.output, `${JSON.stringify({ ...about, results }, undefined, 2)}\n`);
  });
  if (!measurements.every(isMet)) process.exitCode = 1;
});
