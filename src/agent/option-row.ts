// Options of a command line as data: one row each, from which parsers, types, checks and tables are made.

/** Throws SettingsError, naming the flag, for an invalid value. */
export type OptionCheck = (value: string, flag: string) => void;

/** One option. */
export interface OptionRow {
  /** The long spelling: `--label`. */
  readonly flag: string;
  /** The short spelling: `-l`. */
  readonly short?: string;
  /** `text` has a value, `list` has one each time it is given, `switch` has none. */
  readonly kind: "text" | "list" | "switch";
  readonly description: string;
  /** What holds when it is not given, as help shows it. */
  readonly default?: string;
  readonly check?: OptionCheck;
}

/** Options by the names under which their values are kept. */
export type OptionTable = Readonly<Record<string, OptionRow>>;

/** What was typed: undefined for an option that was not given. */
export type OptionValue<Kind extends OptionRow["kind"]> =
  | (Kind extends "list" ? readonly string[] : Kind extends "switch" ? boolean : string)
  | undefined;

/** The values of a table's options. */
export type ValuesOf<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: OptionValue<Table[Name]["kind"]>;
};

/** Each option of the table with its texts as they were typed; none for one that was not given. */
export function textsIn<Table extends OptionTable>(
  table: Table,
  values: ValuesOf<Table>,
): readonly (readonly [OptionRow, readonly string[]])[] {
  const given: Readonly<Record<string, readonly string[] | string | boolean | undefined>> = values;
  return Object.entries(table).map(([name, row]) => {
    const value = given[name];
    if (typeof value === "string") return [row, [value]];
    return [row, typeof value === "object" ? value : []];
  });
}

/** Throws SettingsError for the first invalid value. An empty value counts as not given, but in a list. */
export function checkOptionValues<Table extends OptionTable>(table: Table, values: ValuesOf<Table>): void {
  for (const [{ flag, kind, check }, texts] of textsIn(table, values)) {
    for (const text of texts) if (text !== "" || kind === "list") check?.(text, flag);
  }
}

/** The description with the default: what help and the documents show. */
export function describe({ description, default: value }: OptionRow): string {
  return value === undefined ? description : `${description} (default ${value})`;
}
