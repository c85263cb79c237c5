// The commands as data (paths, options, texts), read off their classes: what help and completion are made from.

import { Cli } from "clipanion";
import type { CommandClass } from "clipanion";
import { ClusterCommand } from "../options/cluster-command.ts";
import { PrefectCommand } from "../options/prefect-command.ts";
import type { CliContext } from "../context.ts";
import { PROGRAM } from "../program-name.ts";

export interface OptionInfo {
  /** All spellings, short ones first: `-l`, `--label`. */
  readonly names: readonly string[];
  /** The spelling that names it in tables: the long one. */
  readonly flag: string;
  readonly takesValue: boolean;
  readonly description: string;
}

export interface CommandInfo {
  readonly class: CommandClass<CliContext>;
  /** The path that help shows, such as `agent start`. */
  readonly name: string;
  /** All paths that lead here. */
  readonly paths: readonly (readonly string[])[];
  readonly category: string;
  readonly description: string;
  readonly details: string;
  /** Comment and command line each, `$0` for the program. */
  readonly examples: readonly (readonly [string, string])[];
  /** The positional arguments as written in a usage line: `[RUN]`. */
  readonly args: string;
  readonly options: readonly OptionInfo[];
  /** Whom it speaks to: which of the shared flags it has. */
  readonly speaksTo: "nobody" | "prefect" | "cluster";
}

/** What the classes say of themselves; those without usage are not for people. */
export function commandMetadata(commands: readonly CommandClass<CliContext>[]): readonly CommandInfo[] {
  const cli = new Cli<CliContext>({ binaryName: PROGRAM });
  for (const command of commands) cli.register(command);
  const shown = commands.filter((command) => command.usage !== undefined);
  return cli.definitions().flatMap((definition, at) => {
    const command = shown[at];
    return command === undefined ? [] : [commandInfo(command, definition)];
  });
}

function commandInfo(
  command: CommandClass<CliContext>,
  definition: ReturnType<Cli["definitions"]>[number],
): CommandInfo {
  const { category = "Other", description = "", details = "", examples = [] } = command.usage ?? {};
  const paths = command.paths ?? [];
  return {
    class: command,
    name: (paths[0] ?? []).join(" "),
    paths,
    category,
    description,
    details,
    examples,
    args: definition.usage.slice(definition.path.length).trim().replaceAll(/[<>]/g, ""),
    options: definition.options.map((option) => optionInfo(option.definition, option.description ?? "")),
    speaksTo: speaksTo(command),
  };
}

/** From clipanion's form: `-l,--label #0`, where `#0` stands for a value. */
function optionInfo(definition: string, description: string): OptionInfo {
  const [spellings = "", ...values] = definition.split(" ");
  const names = spellings.split(",");
  const flag = names.find((name) => name.startsWith("--")) ?? spellings;
  return { names, flag, takesValue: values.length > 0, description };
}

function speaksTo(command: CommandClass<CliContext>): CommandInfo["speaksTo"] {
  const { prototype } = command as unknown as { readonly prototype: object };
  if (prototype instanceof ClusterCommand) return "cluster";
  return prototype instanceof PrefectCommand ? "prefect" : "nobody";
}
