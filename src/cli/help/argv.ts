// A command line before clipanion parses it: which command it names, and whether it asks for help. Also the spellings of
// kubectl that clipanion does not have: `-ojson`, `-vA`, and values that begin with a hyphen.

import { parseArgs } from "node:util";
import type { CommandInfo, OptionInfo } from "./command-metadata.ts";

/** What a command line is about. */
export interface ParsedArgv {
  /** The command whose whole path was given. */
  readonly command: CommandInfo | undefined;
  /** The words that are neither flags nor their values, those of the path included. */
  readonly words: readonly string[];
  readonly wantsHelp: boolean;
  /** The command line without the path, each value bound to its flag: `-o=json`. */
  readonly args: readonly string[];
}

/** As Go's strconv.ParseBool. */
const TRUE = /^(?:1|t|T|true|TRUE|True)$/;
const FALSE = /^(?:0|f|F|false|FALSE|False)$/;

type Token = NonNullable<ReturnType<typeof tokensOf>>[number];

/** Reads a command line as far as that. Throws nothing: clipanion finds what is wrong with it. */
export function readArgv(argv: readonly string[], commands: readonly CommandInfo[]): ParsedArgv {
  // Most lines begin with their command; to read the options of all is slow.
  const first = commands.filter(({ paths }) =>
    paths.some((path) => path.every((word, at) => argv[at] === word)),
  );
  const guess = tokensOf(argv, first.length > 0 ? first : commands);
  const guessed = wordsIn(guess);
  const [found] = commands
    .flatMap((command) => command.paths.map((path) => ({ command, path })))
    .filter(({ path }) => path.every((word, at) => guessed[at]?.value === word))
    .sort((left, right) => right.path.length - left.path.length);
  const tokens = found === undefined ? guess : tokensOf(argv, [found.command]);
  const words = wordsIn(tokens);
  const path = new Set<Token>(words.slice(0, found?.path.length ?? 0));
  return {
    command: found?.command,
    words: words.map(({ value }) => value),
    wantsHelp: tokens.some((token) => token.kind === "option" && token.name === "help"),
    args: tokens.filter((token) => !path.has(token)).flatMap((token) => wordOf(token, found?.command) ?? []),
  };
}

/** A flag takes the next word if it does so in all of these commands. */
function tokensOf(argv: readonly string[], commands: readonly CommandInfo[]) {
  const help = { type: "boolean", short: "h" } as const;
  const options: Record<string, { readonly type: "string" | "boolean"; readonly short?: string }> = { help };
  const hasFlags = argv.some((word) => word.startsWith("-") && word !== "--help" && word !== "-h");
  const all = hasFlags ? commands.flatMap(({ allOptions }) => allOptions) : [];
  const isValued = ({ value }: OptionInfo): boolean => value === "required";
  for (const option of [...all.filter((each) => !isValued(each)), ...all.filter(isValued)]) {
    const short = option.names.find((name) => /^-[^-]$/.test(name))?.slice(1);
    for (const name of option.names.filter((each) => each.startsWith("--"))) {
      const type = isValued(option) ? "string" : "boolean";
      options[name.slice(2)] ??= short === undefined ? { type } : { type, short };
    }
  }
  const args = argv.map((word) => withoutShortSwitch(word, options));
  return parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/** `-A=true` as `--all-namespaces=true`: parseArgs takes the rest of a short switch for more of them. */
function withoutShortSwitch(
  word: string,
  options: Readonly<Record<string, { readonly type: string; readonly short?: string }>>,
): string {
  const [, short, value = ""] = /^-([A-Za-z])(=.*)$/s.exec(word) ?? [];
  const found = Object.entries(options).find(([, option]) => option.short === short);
  return short !== undefined && found?.[1].type === "boolean" ? `--${found[0]}${value}` : word;
}

function wordsIn(tokens: readonly Token[]) {
  const end = tokens.findIndex(({ kind }) => kind === "option-terminator");
  return tokens.slice(0, end === -1 ? undefined : end).filter((token) => token.kind === "positional");
}

/** As kubectl's, a switch may have a value: `--watch=true`; undefined for `--watch=false`. */
function wordOf(token: Token, command: CommandInfo | undefined): string | undefined {
  const { rawName = "", value } = token.kind === "option" ? token : {};
  const isSwitch = command?.allOptions.some((each) => each.value === "none" && each.names.includes(rawName));
  if (isSwitch !== true || value === undefined) return textOf(token);
  if (TRUE.test(value)) return rawName;
  return FALSE.test(value) ? undefined : textOf(token);
}

function textOf(token: Token): string {
  if (token.kind === "positional") return token.value;
  if (token.kind === "option-terminator") return "--";
  if (token.value === undefined) return token.rawName;
  // parseArgs keeps the sign of `-o=json`.
  const isStuck = token.inlineValue && !token.rawName.startsWith("--");
  return `${token.rawName}=${isStuck ? token.value.replace(/^=/, "") : token.value}`;
}
