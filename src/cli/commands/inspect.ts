// kubectl prefect inspect: one flow run with all that it has in the cluster, and what is the matter with it.

import { Command, Option } from "clipanion";
import { SettingsError } from "../../base/errors.ts";
import type { Inventory, RunPrint } from "../../inventory/inventory.ts";
import { PlaceCommand } from "../listing-command.ts";
import type { MeantRun } from "../listing-run.ts";

export class InspectCommand extends PlaceCommand {
  static override paths = [["inspect"], ["describe"]];
  static override usage = Command.Usage({
    category: "Flow runs",
    description: "show one flow run: Jobs, pods, containers, Dask, events, and a diagnosis",
    details: `
      RUN is a flow run's id, a unique prefix of it (8 characters or more), its name, or job/NAME. Shows what the run has
      in the cluster as a tree, what Prefect says of it, what went wrong, and what an agent would do with it and why.
    `,
    examples: [
      ["By name", "$0 inspect quick-fox"],
      ["By the beginning of its id, wherever it is", "$0 inspect 1a2b3c4d -A"],
      ["The run of a Job, for a program", "$0 inspect job/prefect-job-1a2b -o json"],
    ],
  });

  target = Option.String({ name: "RUN" });
  output = Option.String("-o,--output", "tree", { description: "tree, json or yaml (default tree)" });

  async execute(): Promise<number> {
    if (!["tree", "json", "yaml"].includes(this.output)) {
      throw new SettingsError(`cannot read -o "${this.output}": unknown output format`, {
        hint: "use -o tree, json or yaml",
      });
    }
    const [place, states] = await Promise.all([this.place(), this.states()]);
    const { signal } = this.context;
    try {
      const { meantRun } = await import("../listing-run.ts");
      const { loadInventory } = await import("../../inventory/load-inventory.ts");
      const meant = await meantRun(this.target, place, { states, signal });
      const namespace = meant.namespace ?? place.namespace;
      const query = { namespace, flowRunId: meant.id, dask: "all", events: true, signal } as const;
      const inventory = await loadInventory(place.connection.kube, states.sources, query);
      const run = runIn(inventory, meant, namespace);
      await (this.output === "tree" ? this.#tree(run) : this.#object(run));
      this.tellGaps(inventory.gaps);
      return 0;
    } finally {
      await states.close();
      place.connection.kube.close();
    }
  }

  async #tree(run: RunPrint): Promise<void> {
    const { diagnose } = await import("../../inventory/diagnosis.ts");
    const { treeLines, wantsAscii } = await import("../../output/tree.ts");
    const { runTree } = await import("../listing-tree.ts");
    const { clock, env, stdout } = this.context;
    const isTTY = "isTTY" in stdout && stdout.isTTY === true;
    const palette = await this.palette();
    const now = clock.now();
    const { word, why, stories, agent } = diagnose(run, now);
    const ascii = wantsAscii({ isTTY, write: () => {} }, env);
    const lines = [
      ...treeLines(runTree(run, now), { ascii, palette }),
      "",
      `${palette.heading("VERDICT")} ${word}: ${why}`,
      ...stories.flatMap((story) => ["", ...story.replaceAll("\t", "    ").split("\n")]),
      "",
      palette.heading("AN AGENT WOULD"),
      ...agent.map((deed) => `  ${deed}`),
    ];
    this.print(`${lines.join("\n")}\n`);
  }

  async #object(run: RunPrint): Promise<void> {
    const { diagnose } = await import("../../inventory/diagnosis.ts");
    const { runObject } = await import("../../inventory/run-object.ts");
    const object = runObject(run, diagnose(run, this.context.clock.now()));
    if (this.output === "json") {
      const { indentedJson } = await import("../../output/canonical-json.ts");
      return this.print(`${indentedJson(object)}\n`);
    }
    const { toSortedYaml } = await import("../../output/yaml.ts");
    this.print(toSortedYaml(object));
  }
}

/** The run as it was found; a run that only Prefect knows has nothing here. */
function runIn({ runs }: Inventory, meant: MeantRun, namespace: string | undefined): RunPrint {
  const found = runs.find((run) => run.flowRunId === meant.id);
  if (found !== undefined) return { ...found, name: found.name ?? meant.name };
  return {
    flowRunId: meant.id,
    generation: meant.generation,
    namespace: namespace ?? "",
    name: meant.name,
    run: meant.view,
    footprint: { flowRunId: meant.id, jobs: [] },
    dask: [],
  };
}
