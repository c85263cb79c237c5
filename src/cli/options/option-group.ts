// Options from a table as one field of a command class: `readonly job = optionGroup(JOB_OPTIONS)`.

import { Option } from "clipanion";
import { describe, type OptionRow, type OptionTable, type ValuesOf } from "../../agent/option-row.ts";

type Parsed = readonly string[] | string | boolean | undefined;
/** clipanion's option object; its types already claim that it is the value. */
type CommandOption = Parameters<typeof Option.makeCommandOption<Parsed>>[0];

/** The table's options; after parsing the field holds their values. Hidden ones are accepted, and not shown. */
export function optionGroup<Table extends OptionTable>(table: Table, isHidden = false): ValuesOf<Table> {
  const options = Object.entries(table).map(([name, row]) => [name, clipanionOption(row, isHidden)] as const);
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

/** An option with a value; as in kubectl, an empty one counts as not given. */
export function textOption(
  names: string,
  details: { readonly description?: string; readonly hidden?: boolean },
): string | undefined {
  const option: unknown = Option.String(names, details);
  const { definition, transformer } = option as CommandOption;
  return Option.makeCommandOption<string | undefined>({
    definition,
    transformer: (...run) => (transformer(...run) as string | undefined) || undefined,
  });
}

function clipanionOption(row: OptionRow, isHidden: boolean): CommandOption {
  const { flag, short, kind } = row;
  const names = short === undefined ? flag : `${short},${flag}`;
  const details = isHidden ? {} : { description: describe(row) };
  const option: unknown =
    kind === "text"
      ? textOption(names, details)
      : kind === "list"
        ? Option.Array(names, details)
        : Option.Boolean(names, details);
  return option as CommandOption;
}
