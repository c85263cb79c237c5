// Options from a table as one field of a command class: `readonly job = optionGroup(JOB_OPTIONS)`.

import { Option } from "clipanion";
import { describe } from "../../agent/option-row.ts";
import type { OptionRow, OptionTable, ValuesOf } from "../../agent/option-row.ts";

type Parsed = readonly string[] | string | boolean | undefined;
/** clipanion's option object; its types already claim that it is the value. */
type CommandOption = Parameters<typeof Option.makeCommandOption<Parsed>>[0];

/** The table's options; after parsing the field holds their values. */
export function optionGroup<Table extends OptionTable>(table: Table): ValuesOf<Table> {
  const options = Object.entries(table).map(([name, row]) => [name, clipanionOption(row)] as const);
  return Option.makeCommandOption<ValuesOf<Table>>({
    definition: (builder, key) => {
      for (const [name, option] of options) option.definition(builder, `${key}.${name}`);
    },
    transformer: (builder, key, ...run) => {
      const values = options.map(
        ([name, option]) => [name, option.transformer(builder, `${key}.${name}`, ...run)] as const,
      );
      return Object.fromEntries(values) as ValuesOf<Table>;
    },
  });
}

/** The flags of these kinds, comma-separated as clipanion spells several names of one option. */
export function flagsOf(table: OptionTable, kinds: readonly OptionRow["kind"][]): string {
  return Object.values(table)
    .filter(({ kind }) => kinds.includes(kind))
    .map(({ flag }) => flag)
    .join(",");
}

function clipanionOption(row: OptionRow): CommandOption {
  const { flag, short, kind } = row;
  const names = short === undefined ? flag : `${short},${flag}`;
  const details = { description: describe(row) };
  const option: unknown =
    kind === "text"
      ? Option.String(names, details)
      : kind === "list"
        ? Option.Array(names, details)
        : Option.Boolean(names, details);
  return option as CommandOption;
}
