// kubectl prefect cleanup: remove what flow runs left behind, and nothing that lives.

import { Command, Option } from "clipanion";
import { parseDuration } from "../../../base/duration.ts";
import { SettingsError } from "../../../base/errors.ts";
import type { PassSettings } from "./pass.ts";
import { LIST_FORMATS, parseOutputFormat } from "../../../output/formats.ts";
import { isTerminal } from "../../options/base-command.ts";
import { NamespacedCommand } from "../../options/namespaced-command.ts";
import { report } from "../../errors.ts";

export class CleanupCommand extends NamespacedCommand {
  static override paths = [["cleanup"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "remove stale Jobs, and Dask pods, Services and budgets that nobody needs",
    details: `
      Shows what it would remove, and why, and asks. Removes finished Jobs of flow runs; Jobs that live on although
      Prefect says that their run is finished, cancelled or deleted; finished Dask pods; and Dask clusters whose run is
      over, with their Services and PodDisruptionBudgets. Each object is judged anew right before it goes. Without a
      Prefect API only what Kubernetes itself calls finished goes.

      Left alone: objects annotated prefect.io/keep: "true", Dask clusters that only probably belong to a run, and those
      of dask-gateway. -v says of each object why it stays. --jobs and --dask choose what to look at, --orphans leaves
      out what has merely finished.
    `,
    examples: [
      ["See what would go", "$0 cleanup --dry-run"],
      ["Remove it without a question, in all namespaces", "$0 cleanup -A --yes"],
      ["In two namespaces", "$0 cleanup -n flows,etl"],
      ["Only what finished yesterday or before", "$0 cleanup --older-than 24h"],
      ["Keep on doing it", "$0 cleanup --yes --every 60s"],
    ],
  });

  // In place of the one namespace that other commands take.
  override namespace: string | undefined = undefined;
  namespaces = Option.Array("-n,--namespace", {
    description: "namespace, may be repeated, or several with commas; else the context's",
  });
  yes = Option.Boolean("-y,--yes", false, { description: "do not ask" });
  dryRun = Option.String("--dry-run", {
    tolerateBoolean: true,
    description: "only show what would go; server: have each deletion checked",
  });
  jobs = Option.Boolean("--jobs", false, { description: "only Jobs" });
  dask = Option.Boolean("--dask", false, { description: "only Dask clusters" });
  orphans = Option.Boolean("--orphans", false, { description: "only what lost its flow run or its pods" });
  olderThan = Option.String("--older-than", "10m", {
    description: "only what is over for so long (default 10m)",
  });
  runs = Option.Array("--run", { description: "only what belongs to this flow run, may be repeated" });
  selector = Option.String("-l,--selector", { description: "label selector for Jobs" });
  every = Option.String("--every", { description: "keep on doing it, with pauses of this length" });
  output = Option.String("-o,--output", { description: "form of the plan: table, wide, json, yaml or name" });

  async execute(): Promise<number> {
    const everyMs = this.every === undefined ? undefined : parseDuration(this.every, "--every");
    const settings = await this.#settings(everyMs !== undefined);
    const { CleanupPass, repeatedly } = await import("./pass.ts");
    const [{ connection, namespace }, directories] = await Promise.all([this.place(), this.directories()]);
    const namespaces = namespace === undefined ? undefined : (namesIn(this.namespaces) ?? [namespace]);
    const place = { connection, namespaces };
    try {
      const { apiUrl } = await this.prefectConfig();
      const apis = [...new Set([apiUrl.value, ...directories.addresses])];
      const whole = { ...settings, plan: { ...settings.plan, apis } };
      const pass = new CleanupPass(this.context, { place, directories }, whole);
      if (everyMs === undefined) return await pass.run();
      const tell = (error: unknown): void => void report(error, this.context, this.verbose);
      return await repeatedly(() => pass.run(), this.context, { everyMs, tell });
    } finally {
      directories.close();
      connection.kube.close();
    }
  }

  async #settings(isRepeated: boolean): Promise<PassSettings> {
    const both = this.jobs === this.dask;
    return {
      plan: {
        olderThanMs: parseDuration(this.olderThan, "--older-than"),
        jobs: both || this.jobs,
        dask: both || this.dask,
        orphansOnly: this.orphans,
        apis: [],
      },
      runs: this.runs,
      selector: this.selector,
      mode: this.#mode(isRepeated),
      output: parseOutputFormat(this.output, LIST_FORMATS),
      quiet: isRepeated,
      verbose: this.verbose,
      palette: await this.palette(),
    };
  }

  #mode(isRepeated: boolean): PassSettings["mode"] {
    const dryRun = dryRunOf(this.dryRun);
    if (dryRun !== undefined) return dryRun;
    if (this.yes) return "act";
    const { stdin, stderr } = this.context;
    if (!isRepeated && isTerminal(stdin) && isTerminal(stderr)) return "ask";
    const cause = isRepeated ? "--every does not ask each time" : "there is no terminal to ask at";
    throw new SettingsError(`cannot clean up without --yes: ${cause}`, {
      hint: "look at it first with --dry-run, then write --yes",
    });
  }
}

/** Each once, in their order; undefined when none is named. Throws SettingsError. */
function namesIn(given: readonly string[] | undefined): readonly string[] | undefined {
  if (given === undefined) return undefined;
  const names = given.flatMap((text) => text.split(",")).map((name) => name.trim());
  if (!names.includes("")) return [...new Set(names)];
  throw new SettingsError(`cannot read -n "${given.join(" ")}": a namespace has no name`, {
    hint: "separate namespaces with single commas: -n one,two",
  });
}

function dryRunOf(given: string | boolean | undefined): "show" | "rehearse" | undefined {
  if (given === undefined || given === false || given === "none") return undefined;
  if (given === true || given === "client") return "show";
  if (given === "server") return "rehearse";
  throw new SettingsError(`cannot read --dry-run "${given}"`, {
    hint: "write --dry-run, --dry-run=client or --dry-run=server",
  });
}
