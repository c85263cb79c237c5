// Writes the tables of options into docs/options.md, between `<!-- options NAME -->` and `<!-- /options -->`. NAME is a command,
// its words joined with hyphens, or one of the groups that commands share: prefect-options, cluster-options, general-options.
// `node scripts/options-doc.ts --check` only tells whether the tables are current.

import { readFileSync, writeFileSync } from "node:fs";
import { Command } from "clipanion";
import { commandMetadata } from "../src/cli/help/command-metadata.ts";
import type { CommandInfo, OptionInfo } from "../src/cli/help/command-metadata.ts";
import { flagValue, hasOptionalValue } from "../src/cli/help/flag-values.ts";
import { BaseCommand } from "../src/cli/options/base-command.ts";
import { ClusterCommand } from "../src/cli/options/cluster-command.ts";
import { PrefectCommand } from "../src/cli/options/prefect-command.ts";
import { COMMANDS } from "../src/cli/program.ts";
import { projectPath } from "./project.ts";

export const OPTIONS_DOC = projectPath("docs", "options.md");
const BLOCK = /<!-- options ([\w-]+) -->[\s\S]*?<!-- \/options -->/g;

const done = (): Promise<number> => Promise.resolve(0);

/** Commands with nothing but what a group of commands shares. */
class General extends BaseCommand {
  static override paths = [["general"]];
  static override usage = Command.Usage({});
  execute = done;
}
class Prefect extends PrefectCommand {
  static override paths = [["prefect"]];
  static override usage = Command.Usage({});
  execute = done;
}
class Cluster extends ClusterCommand {
  static override paths = [["cluster"]];
  static override usage = Command.Usage({});
  execute = done;
}

interface Group {
  readonly name: string;
  /** Its heading in docs/options.md. */
  readonly title: string;
  readonly options: readonly OptionInfo[];
}

/** The groups, each with the options that the ones after it do not have. */
function sharedGroups(): readonly Group[] {
  const [cluster = [], prefect = [], general = []] = [Cluster, Prefect, General].map(
    (command) => commandMetadata([command])[0]?.options,
  );
  return [
    {
      name: "prefect-options",
      title: "Prefect options",
      options: prefect.filter((option) => !isIn(general, option)),
    },
    {
      name: "cluster-options",
      title: "cluster options",
      options: cluster.filter((option) => !isIn(prefect, option)),
    },
    { name: "general-options", title: "general options", options: general },
  ];
}

/** An option of the same spelling and meaning: a command may give a shared flag a meaning of its own. */
function isIn(options: readonly OptionInfo[], { flag, description }: OptionInfo): boolean {
  return options.some((each) => each.flag === flag && each.description === description);
}

/** The text with its tables as they should be. Throws for the name of a command that does not exist. */
export function withCurrentOptions(doc: string): string {
  const commands = commandMetadata(COMMANDS);
  const groups = sharedGroups();
  return doc.replaceAll(BLOCK, (_block, name: string) => {
    const group = groups.find((each) => each.name === name);
    const command = commands.find((each) => each.name.replaceAll(" ", "-") === name);
    if (group === undefined && command === undefined)
      throw new Error(`docs/options.md has options of "${name}", which is no command`);
    const text =
      command === undefined ? optionsTable("", group?.options ?? []) : commandOptions(command, groups);
    return `<!-- options ${name} -->\n\n${text}\n\n<!-- /options -->`;
  });
}

/** The names of all blocks that docs/options.md must have. */
export function blockNames(): readonly string[] {
  const commands = commandMetadata(COMMANDS).map(({ name }) => name.replaceAll(" ", "-"));
  return [...commands, ...sharedGroups().map(({ name }) => name)];
}

/** The command's own options, and which groups it has beside them. */
function commandOptions(command: CommandInfo, groups: readonly Group[]): string {
  const shared = groups.flatMap(({ options }) => options);
  const own = command.options.filter((option) => !isIn(shared, option));
  const links = groups
    .filter(({ options }) => options.some((option) => isIn(command.options, option)))
    .map(({ name, title }) => `[${title}](#${name})`);
  const also = `Also takes the ${links.join(", ").replace(/, (?=[^,]*$)/, " and ")}.`;
  return own.length === 0 ? also : `${optionsTable(command.name, own)}\n\n${also}`;
}

/** Laid out as oxfmt would. */
function optionsTable(command: string, options: readonly OptionInfo[]): string {
  const rows = options.map((option) => [`\`${spelling(command, option)}\``, cell(option.description)]);
  const widths = [0, 1].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[], filler: string): string =>
    `| ${cells.map((text, at) => text.padEnd(widths[at] ?? 0, filler)).join(" | ")} |`;
  return [line(["option", "meaning"], " "), line(["", ""], "-"), ...rows.map((row) => line(row, " "))].join(
    "\n",
  );
}

function spelling(command: string, { names, flag, takesValue }: OptionInfo): string {
  const spellings = names.join(", ");
  const { placeholder } = flagValue(command, flag);
  if (takesValue) return cell(`${spellings} ${placeholder}`);
  return hasOptionalValue(command, flag) ? cell(`${spellings}[=${placeholder}]`) : spellings;
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", String.raw`\|`);
}

if (import.meta.main) {
  const current = readFileSync(OPTIONS_DOC, "utf8");
  const wanted = withCurrentOptions(current);
  if (process.argv.includes("--check")) {
    if (current !== wanted) {
      console.error("docs/options.md is not current: npm run docs");
      process.exitCode = 1;
    }
  } else writeFileSync(OPTIONS_DOC, wanted);
}
