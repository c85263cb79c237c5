// kubectl prefect cleanup: delete what finished flow runs left behind.

import { Command } from "clipanion";
import { formatDuration, parseDuration } from "../../../base/duration.ts";
import { OLDER_THAN_MS } from "../../../cleanup/item.ts";
import { SettingsError } from "../../../base/errors.ts";
import type { CleanupPass } from "./pass.ts";
import { LIST_FORMATS, parseOutputFormat } from "../../../output/formats.ts";
import { isTerminal } from "../../options/base-command.ts";
import { choice, choiceOption } from "../../options/choice.ts";
import { aNamespace, namesIn } from "../../../agent/option-checks.ts";
import { shellWord } from "../../../base/shell-word.ts";
import { emptyRun, NamespacedCommand, newWarnings } from "../../options/namespaced-command.ts";
import { durationOption, listOption, switchOption, textOption } from "../../options/option-group.ts";

const DRY_RUNS = {
  true: "dry-run",
  client: "dry-run",
  server: "server-dry-run",
  false: undefined,
  none: undefined,
} as const;

export class CleanupCommand extends NamespacedCommand {
  static override paths = [["cleanup"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "delete stale Jobs and Dask clusters of flow runs",
    details: `
      Prints what it would delete and why, then asks for confirmation. Deletes finished Jobs of flow runs; Jobs that are
      still running although their flow run is finished, cancelled or deleted in Prefect; finished Dask pods; and Dask
      clusters whose flow run is over, with their Services and PodDisruptionBudgets. Each object is checked again right
      before it is deleted. Without a Prefect API only Jobs and pods that have finished in Kubernetes are deleted.

      Keeps objects annotated prefect.io/keep: "true", Dask clusters that cannot be attributed to a flow run for certain,
      and clusters of dask-gateway; -v shows why each object is kept.
    `,
    examples: [
      ["Show what would be deleted", "$0 cleanup --dry-run"],
      ["Delete in all namespaces without asking", "$0 cleanup -A --yes"],
      ["Clean up two namespaces", "$0 cleanup -n flows,etl"],
      ["Delete only what finished at least a day ago", "$0 cleanup --older-than 24h"],
      ["Clean up every minute", "$0 cleanup --yes --every 60s"],
    ],
  });

  // Replaces the one namespace that other commands take.
  override namespace: string | undefined = undefined;
  namespaces = listOption(
    "-n,--namespace",
    "namespaces, separated by commas; may be repeated (default from the context)",
  );
  yes = switchOption("-y,--yes", "delete without asking");
  dryRun = choiceOption(
    "--dry-run",
    "only show what would be deleted; server: let the API server check each deletion",
  );
  jobs = switchOption("--jobs", "delete only Jobs");
  dask = switchOption("--dask", "delete only Dask clusters");
  orphans = switchOption(
    "--orphans",
    "delete only orphans: objects whose flow run is over or gone, not finished Jobs and pods",
  );
  olderThan = durationOption(
    "--older-than",
    formatDuration(OLDER_THAN_MS),
    "delete only what finished at least this long ago",
  );
  runs = listOption("--run", "delete only objects of this flow run; may be repeated");
  selector = textOption("-l,--selector", "label selector to filter Jobs");
  onlyPrefect = switchOption(
    "--only-prefect",
    "take flow runs that this Prefect does not know for deleted: no other Prefect uses these namespaces",
  );
  agent = textOption("--agent", "act for this agent: delete nothing of other agents that are alive");
  agentLabels = listOption("--agent-label", "label of that agent; may be repeated");
  every = textOption("--every", "repeat at this interval");
  output = textOption("-o,--output", "output format of the plan (default table)");

  protected override scope(): string {
    const [only, ...others] = namesIn(this.namespaces?.join(","));
    const isOne = !this.allNamespaces && only !== undefined && others.length === 0;
    return isOne ? `-n ${shellWord(only)}` : super.scope();
  }

  async execute(): Promise<number> {
    const everyMs = this.#interval();
    const output = parseOutputFormat(this.output, LIST_FORMATS);
    const olderThanMs = parseDuration(this.olderThan, "--older-than");
    const mode = this.#mode(everyMs !== undefined);
    const { paint } = await this.style();
    const { cleanUp, repeatedly } = await import("./pass.ts");
    const { OneAgent } = await import("./one-agent.ts");
    const { retrying, retryingPrefect } = await import("../../../cleanup/retrying.ts");
    const { objectPrinter } = await import("../../../output/print-rows.ts");
    this.#checkAgent();
    if (this.runs?.includes("") === true) throw emptyRun();
    const { context, runs, selector: labelSelector, onlyPrefect, verbose } = this;
    const both = this.jobs === this.dask;
    return this.connected(async (scope) => {
      const { agent: name, agentLabels: labels = [] } = this;
      const { namespace, clock, signal } = scope;
      const directories = retryingPrefect(scope.directories, scope, this.tellingRetries());
      const isRepeated = everyMs !== undefined;
      const agent = name === undefined ? undefined : new OneAgent({ name, labels }, directories[1], clock);
      const pass: CleanupPass = {
        context,
        scope: { ...scope, kube: retrying(scope.kube, clock, signal), directories },
        runs,
        query: { labelSelector, onlyPrefect },
        mode,
        output,
        printObject:
          output === "json" || output === "yaml"
            ? objectPrinter(output, (text) => void context.stdout.write(text))
            : undefined,
        verbose,
        paint,
        namespaces: namespace === undefined ? undefined : (namespacesIn(this.namespaces) ?? [namespace]),
        plan: {
          olderThanMs,
          jobs: both || this.jobs,
          dask: both || this.dask,
          orphansOnly: this.orphans,
          keepRun: agent && ((run) => agent.keepReason(run)),
        },
        quiet: isRepeated,
        printMessage: (line) => this.printMessage(this.completeHint(line)),
        printWarnings:
          isRepeated && !verbose
            ? newWarnings((warning) => this.printWarnings([warning]))
            : (warnings) => this.printWarnings(warnings),
      };
      if (everyMs === undefined) return cleanUp(pass);
      void agent?.run(context.signal);
      const onError = (error: unknown): void => void this.reportError(error);
      return repeatedly(() => cleanUp(pass), context, { everyMs, onError });
    });
  }

  #checkAgent(): void {
    if (this.agentLabels === undefined || this.agent !== undefined) return;
    throw new SettingsError('cannot use "--agent-label" without "--agent"', {
      hint: "name the agent with --agent NAME",
    });
  }

  #interval(): number | undefined {
    if (this.every === undefined) return undefined;
    const ms = parseDuration(this.every, "--every");
    if (ms > 0) return ms;
    throw new SettingsError(`cannot read --every "${this.every}": it is no interval`, {
      hint: "use for example --every 60s",
    });
  }

  #mode(isRepeated: boolean): CleanupPass["mode"] {
    const hint = "use --dry-run, --dry-run=client or --dry-run=server";
    const dryRun = choice(["--dry-run", this.dryRun], DRY_RUNS, hint);
    if (dryRun !== undefined) return dryRun;
    if (this.yes) return "delete";
    const { stdin, stderr } = this.context;
    if (!isRepeated && isTerminal(stdin) && isTerminal(stderr)) return "ask";
    const cause = isRepeated ? "--every cannot ask each time" : "there is no terminal to ask on";
    throw new SettingsError(`cannot clean up without --yes: ${cause}`, {
      hint: "check with --dry-run first, then use --yes",
    });
  }
}

/** The named namespaces without duplicates; undefined when none is named. Throws SettingsError. */
function namespacesIn(values: readonly string[] | undefined): readonly string[] | undefined {
  const names = values?.flatMap((text) => text.split(",")).map((name) => name.trim());
  if (names?.includes("") === true)
    throw new SettingsError(`cannot read -n "${values?.join(" ")}": empty namespace name`, {
      hint: "separate namespaces with single commas: -n one,two",
    });
  for (const name of names ?? []) aNamespace(name, "-n");
  return names && [...new Set(names)];
}
