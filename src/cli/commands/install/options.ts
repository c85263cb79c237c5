// The options of `install`: those of `agent start` that shape the agent, and those of its Deployment.

import { Option } from "clipanion";
import { SettingsError } from "../../../base/errors.ts";
import type { InstallOptions } from "../../../install/options.ts";
import { INSTALL_OPTIONS, PASSED_ON } from "../../../install/options.ts";
import { PrefectCommand } from "../../options/prefect-command.ts";
import { optionGroup } from "../../options/option-group.ts";

/** What `install` can be told, beside Prefect's address and key. */
export abstract class InstallFlags extends PrefectCommand {
  rbac = Option.String("--rbac", {
    tolerateBoolean: true,
    description:
      "with the rights that agent and flows need; minimal: a ServiceAccount with the agent's alone",
  });
  readonly own = optionGroup(INSTALL_OPTIONS);
  readonly passedOn = optionGroup(PASSED_ON);
  output = Option.String("-o,--output", { description: "form of what is printed (default yaml)" });
}

/** The value of --rbac, which may stand alone. Throws SettingsError. */
export function rbacOf(given: string | boolean | undefined): InstallOptions["rbac"] {
  if (given === undefined || typeof given === "boolean" || given === "minimal") return given;
  throw new SettingsError(`cannot read --rbac "${given}"`, { hint: "write --rbac or --rbac=minimal" });
}
