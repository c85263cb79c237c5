// Writes the tables of options into README.md, between `<!-- options COMMAND -->` and `<!-- /options -->`; the command's
// words are joined with hyphens there. `node scripts/readme.ts --check` only tells whether they are current.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "clipanion";
import { commandMetadata } from "../src/cli/help/command-metadata.ts";
import type { CommandInfo, OptionInfo } from "../src/cli/help/command-metadata.ts";
import { ClusterCommand } from "../src/cli/options/cluster-command.ts";
import { flagValue, hasOptionalValue } from "../src/cli/help/flag-values.ts";
import { COMMANDS } from "../src/cli/program.ts";

const README = join(import.meta.dirname, "..", "README.md");
const BLOCK = /<!-- options ([\w-]+) -->[\s\S]*?<!-- \/options -->/g;

/** A command with nothing but what all commands share. */
class SharedCommand extends ClusterCommand {
  static override paths = [["shared"]];
  static override usage = Command.Usage({});

  execute(): Promise<number> {
    return Promise.resolve(0);
  }
}

/** The text with its tables as they should be. Throws for the name of a command that does not exist. */
export function withCurrentOptions(readme: string): string {
  const commands = commandMetadata(COMMANDS);
  return readme.replaceAll(BLOCK, (_block, name: string) => {
    const command = commands.find((each) => each.name.replaceAll(" ", "-") === name);
    if (command === undefined) throw new Error(`README.md has options of "${name}", which is no command`);
    return `<!-- options ${name} -->\n\n${optionsTable(command)}\n\n<!-- /options -->`;
  });
}

/** The command's own options first, then those that it shares with others; laid out as oxfmt would. */
function optionsTable(command: CommandInfo): string {
  const shared = new Set(commandMetadata([SharedCommand])[0]?.options.map(({ flag }) => flag));
  const own = command.options.filter(({ flag }) => !shared.has(flag));
  const others = command.options.filter(({ flag }) => shared.has(flag));
  const rows = [...own, ...others].map((option) => [
    `\`${spelling(command, option)}\``,
    cell(option.description),
  ]);
  const widths = [0, 1].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[], filler: string): string =>
    `| ${cells.map((text, at) => text.padEnd(widths[at] ?? 0, filler)).join(" | ")} |`;
  return [line(["option", "meaning"], " "), line(["", ""], "-"), ...rows.map((row) => line(row, " "))].join(
    "\n",
  );
}

function spelling(command: CommandInfo, { names, flag, takesValue }: OptionInfo): string {
  const spellings = names.join(", ");
  const { placeholder } = flagValue(command.name, flag);
  if (takesValue) return cell(`${spellings} ${placeholder}`);
  return hasOptionalValue(command.name, flag) ? cell(`${spellings}[=${placeholder}]`) : spellings;
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", String.raw`\|`);
}

if (import.meta.main) {
  const current = readFileSync(README, "utf8");
  const wanted = withCurrentOptions(current);
  if (process.argv.includes("--check")) {
    if (current !== wanted) {
      console.error("README.md is not current: npm run docs");
      process.exitCode = 1;
    }
  } else writeFileSync(README, wanted);
}
