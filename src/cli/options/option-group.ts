// Options as fields of a command class; those of a table as one field: `readonly job = optionGroup(JOB_OPTIONS)`. One without
// a description is accepted, and not shown.

import { Option } from "clipanion";
import { describe, type OptionRow, type OptionTable, type ValuesOf } from "../../agent/option-row.ts";

type Parsed = readonly string[] | string | boolean | undefined;
/** clipanion's option object; its types already claim that it is the value. */
type CommandOption = Parameters<typeof Option.makeCommandOption<Parsed>>[0];

/** The table's options; after parsing the field holds their values. */
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
export function textOption(names: string, description = ""): string | undefined {
  const option: unknown = Option.String(names, { description });
  const { definition, transformer } = option as CommandOption;
  return Option.makeCommandOption<string | undefined>({
    definition,
    transformer: (...run) => (transformer(...run) as string | undefined) || undefined,
  });
}

/** An option with a duration, and its default, which help shows. */
export function durationOption(names: string, otherwise: string, description: string): string {
  return Option.String(names, otherwise, { description: `${description} (default ${otherwise})` });
}

/** An option without a value. */
export function switchOption(names: string, description: string): boolean {
  return Option.Boolean(names, false, { description });
}

/** An option with a value, which may be repeated. */
export function listOption(names: string, description = ""): string[] | undefined {
  return Option.Array(names, { description });
}

function clipanionOption(row: OptionRow, isHidden: boolean): CommandOption {
  const { flag, short, kind } = row;
  const names = short === undefined ? flag : `${short},${flag}`;
  const description = isHidden ? "" : describe(row);
  const make = {
    text: () => textOption(names, description),
    list: () => listOption(names, description),
    // Undefined, not false, when it is not given.
    switch: () => Option.Boolean(names, { description }),
  };
  return make[kind]() as unknown as CommandOption;
}
