// Settings with their sources.

/** A setting and its source, for messages: `PREFECT__CLOUD__API variable`, `config.toml [cloud.agent] level`. */
export interface Sourced<T> {
  readonly value: T;
  readonly source: string;
}

/** The source of a value that is not set. */
export const DEFAULT_SOURCE = "default";
