// Writes the tables of options into docs/options.md, between `<!-- options NAME -->` and `<!-- /options -->`. NAME is a command,
// its words joined with hyphens, or one of the groups that commands share: prefect-options, cluster-options, general-options.

import { readFileSync, writeFileSync } from "node:fs";
import { commandMetadata, isAmong, sharedOptions } from "../src/cli/help/command-metadata.ts";
import type { CommandInfo, OptionInfo } from "../src/cli/help/command-metadata.ts";
import { withValue } from "../src/cli/help/flag-values.ts";
import { COMMANDS } from "../src/cli/program.ts";
import { markdownTable } from "./markdown-table.ts";
import { projectPath } from "./project.ts";

export const OPTIONS_DOC = projectPath("docs", "options.md");
const BLOCK = /<!-- options ([\w-]+) -->[\s\S]*?<!-- \/options -->/g;

interface Group {
  /** In docs/options.md: `prefect-options`. */
  readonly name: string;
  /** Its heading there. */
  readonly title: string;
  readonly options: readonly OptionInfo[];
}

const GROUPS: readonly Group[] = sharedOptions().map(([heading, options]) => {
  const title =
    heading === "Prefect" ? "Prefect options" : `${heading.toLowerCase().replace(/ .*/, "")} options`;
  return { name: title.toLowerCase().replace(" ", "-"), title, options };
});

/** The text with its tables as they should be. Throws for the name of a command that does not exist. */
export function withCurrentOptions(doc: string): string {
  const commands = commandMetadata(COMMANDS);
  return doc.replaceAll(BLOCK, (_block, name: string) => {
    const group = GROUPS.find((each) => each.name === name);
    const command = commands.find((each) => each.name.replaceAll(" ", "-") === name);
    if (group === undefined && command === undefined)
      throw new Error(`docs/options.md has options of "${name}", which is no command`);
    const text = command === undefined ? optionsTable("", group?.options ?? []) : commandOptions(command);
    return `<!-- options ${name} -->\n\n${text}\n\n<!-- /options -->`;
  });
}

/** The names of all blocks that docs/options.md must have. */
export function blockNames(): readonly string[] {
  const commands = commandMetadata(COMMANDS).map(({ name }) => name.replaceAll(" ", "-"));
  return [...commands, ...GROUPS.map(({ name }) => name)];
}

/** The command's own options, and which groups it has beside them. */
function commandOptions({ name, options }: CommandInfo): string {
  const shared = GROUPS.flatMap((group) => group.options);
  const own = options.filter((option) => !isAmong(shared, option));
  const links = GROUPS.filter((group) => options.some((option) => isAmong(group.options, option))).map(
    (group) => `[${group.title}](#${group.name})`,
  );
  const also = `Also takes the ${links.join(", ").replace(/, (?=[^,]*$)/, " and ")}.`;
  return own.length === 0 ? also : `${optionsTable(name, own)}\n\n${also}`;
}

function optionsTable(command: string, options: readonly OptionInfo[]): string {
  const rows = options.map((option) => [
    cell(`\`${withValue(option.names.join(", "), command, option)}\``),
    cell(option.description),
  ]);
  return markdownTable([["option", "meaning"], ...rows]);
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", String.raw`\|`);
}

if (import.meta.main) {
  writeFileSync(OPTIONS_DOC, withCurrentOptions(readFileSync(OPTIONS_DOC, "utf8")));
}
