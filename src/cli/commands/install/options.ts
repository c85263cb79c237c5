// The options of `install`: those of `agent start` that shape the agent, and those of its Deployment.

import { Option } from "clipanion";
import { SettingsError } from "../../../base/errors.ts";
import type { InstallOptions } from "../../../install/options.ts";
import { INSTALL_OPTIONS, AGENT_START_OPTIONS } from "../../../install/options.ts";
import { PrefectCommand } from "../../options/prefect-command.ts";
import { optionGroup } from "../../options/option-group.ts";

export abstract class InstallFlags extends PrefectCommand {
  rbac = Option.String("--rbac", {
    tolerateBoolean: true,
    description:
      "also print RBAC objects for the agent and its flows; minimal: a ServiceAccount with only the agent's permissions",
  });
  readonly installOnly = optionGroup(INSTALL_OPTIONS);
  readonly agentStart = optionGroup(AGENT_START_OPTIONS);
  output = Option.String("-o,--output", { description: "output format (default yaml)" });
}

/** The value of --rbac, which may have none. Throws SettingsError. */
export function rbacOf(value: string | boolean | undefined): InstallOptions["rbac"] {
  if (value === undefined || typeof value === "boolean" || value === "minimal") return value;
  throw new SettingsError(`cannot read --rbac "${value}"`, { hint: "use --rbac or --rbac=minimal" });
}
