// A setting, and where it was found.

/** A value and where it comes from, for people: `PREFECT__CLOUD__API variable`, `config.toml [cloud.agent] level`. */
export interface Sourced<T> {
  readonly value: T;
  readonly source: string;
}

/** The source of what nobody has set. */
export const DEFAULT_SOURCE = "default";
