// Options of a command line as data: one row each, from which parsers, types, checks and tables are made.

/** Throws SettingsError, naming the flag, for an invalid value. */
export type OptionCheck = (value: string, flag: string) => void;

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

type More = Pick<OptionRow, "short" | "default" | "check">;
type OptionOf<Kind extends OptionRow["kind"]> = OptionRow & { readonly kind: Kind };

export function text(flag: string, description: string, more: More = {}): OptionOf<"text"> {
  return { flag, kind: "text", description, ...more };
}

export function list(flag: string, description: string, more: More = {}): OptionOf<"list"> {
  return { flag, kind: "list", description, ...more };
}

export function toggle(flag: string, description: string): OptionOf<"switch"> {
  return { flag, kind: "switch", description };
}

/** Options by the names under which their values are kept. */
export type OptionTable = Readonly<Record<string, OptionRow>>;

/** What was typed: undefined for an option that was not given. */
type OptionValue<Kind extends OptionRow["kind"]> =
  | (Kind extends "list" ? readonly string[] : Kind extends "switch" ? boolean : string)
  | undefined;

export type ValuesOf<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: OptionValue<Table[Name]["kind"]>;
};

/** Throws SettingsError for the first invalid value. An empty value counts as not given, but in a list. */
export function checkOptionValues<Table extends OptionTable>(table: Table, values: ValuesOf<Table>): void {
  const given: Readonly<Record<string, readonly string[] | string | boolean | undefined>> = values;
  for (const [name, { flag, kind, check }] of Object.entries(table)) {
    for (const value of [given[name] ?? []].flat())
      if (typeof value === "string" && (value !== "" || kind === "list")) check?.(value, flag);
  }
}

/** The description with the default: what help and the documents show. */
export function describe({ description, default: value }: OptionRow): string {
  return value === undefined ? description : `${description} (default ${value})`;
}
