// A command line before it is parsed: which command it names, whether it asks for help, and kubectl's `-ojson`.

import type { CommandInfo } from "./command-metadata.ts";

/** What a command line is about. */
export interface ParsedArgv {
  /** The command whose whole path was given. */
  readonly command: CommandInfo | undefined;
  /** The words that are neither flags nor their values, those of the path included. */
  readonly words: readonly string[];
  readonly wantsHelp: boolean;
  /** The command line without the path; a value stuck to a short flag is a word of its own. */
  readonly rest: readonly string[];
}

interface Scanned {
  readonly words: readonly string[];
  readonly wantsHelp: boolean;
  readonly full: readonly string[];
  /** Where in `full` each of the words stands. */
  readonly places: readonly number[];
}

/** Reads a command line as far as that. */
export function readArgv(argv: readonly string[], commands: readonly CommandInfo[]): ParsedArgv {
  const guess = scan(argv, { commands, valued: valueFlags(commands) });
  const found = commandAt(guess.words, commands);
  if (found === undefined) {
    return { command: undefined, words: guess.words, wantsHelp: guess.wantsHelp, rest: guess.full };
  }
  const { command, length } = found;
  const { words, wantsHelp, full, places } = scan(argv, { commands, valued: valueFlags([command]) });
  const path = new Set(places.slice(0, length));
  return { command, words, wantsHelp, rest: full.filter((_, at) => !path.has(at)) };
}

/** The command with the longest path that the words begin with, and the length of that path. */
function commandAt(
  words: readonly string[],
  commands: readonly CommandInfo[],
): { readonly command: CommandInfo; readonly length: number } | undefined {
  return commands
    .flatMap((command) => command.paths.map((path) => ({ command, path, length: path.length })))
    .filter(({ path }) => path.every((word, at) => words[at] === word))
    .sort((left, right) => right.length - left.length)[0];
}

/** The commands below these words; all for none. */
export function commandsBelow(
  words: readonly string[],
  commands: readonly CommandInfo[],
): readonly CommandInfo[] {
  return commands.filter((command) =>
    command.paths.some((path) => path.length > words.length && words.every((word, at) => path[at] === word)),
  );
}

/** Flags that take the next word. One that does so only in some commands does not count: it may be another's switch. */
function valueFlags(commands: readonly CommandInfo[]): ReadonlySet<string> {
  const options = commands.flatMap((command) => command.options);
  const switches = new Set(options.filter((option) => !option.takesValue).flatMap((option) => option.names));
  const taking = options.filter((option) => option.takesValue).flatMap((option) => option.names);
  return new Set(taking.filter((name) => !switches.has(name)));
}

function scan(
  argv: readonly string[],
  by: { readonly commands: readonly CommandInfo[]; readonly valued: ReadonlySet<string> },
): Scanned {
  const { commands, valued } = by;
  const places: number[] = [];
  const full: string[] = [];
  let wantsHelp = false;
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (word === "--") {
      full.push(...argv.slice(at));
      break;
    }
    const stuck = /^(-[A-Za-z])([^=].*)$/s.exec(word);
    if (stuck !== null && valued.has(stuck[1] ?? "")) {
      full.push(...stuck.slice(1));
      continue;
    }
    full.push(word);
    if (word === "-h" || word === "--help") wantsHelp = true;
    else if (valued.has(word) && at + 1 < argv.length) full.push(argv[++at] ?? "");
    else if (!word.startsWith("-") || word === "-" || (at === 0 && isPath(word, commands))) {
      places.push(full.length - 1);
    }
  }
  return { words: places.map((place) => full[place] ?? ""), places, wantsHelp, full };
}

/** Flags that are commands: --version. */
function isPath(flag: string, commands: readonly CommandInfo[]): boolean {
  return commands.some(({ paths }) => paths.some((path) => path.length === 1 && path[0] === flag));
}
