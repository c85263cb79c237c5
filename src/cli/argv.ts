// A command line before it is parsed: which command is meant, whether it asks for help, and kubectl's `-ojson`.

import type { CommandInfo } from "./catalogue.ts";

/** What a command line is about. */
export interface Meant {
  /** The command whose whole path was given. */
  readonly command: CommandInfo | undefined;
  /** The words that are neither flags nor their values. */
  readonly words: readonly string[];
  readonly wantsHelp: boolean;
  /** The same command line, in which a value stuck to a short flag is a word of its own. */
  readonly argv: readonly string[];
}

/** Reads a command line as far as that. */
export function readArgv(argv: readonly string[], catalogue: readonly CommandInfo[]): Meant {
  const guess = scan(argv, valueFlags(catalogue));
  const command = commandAt(guess.words, catalogue);
  if (command === undefined) return { command, ...guess };
  return { command, ...scan(argv, valueFlags([command])) };
}

/** The command with the longest path that the words begin with. */
export function commandAt(
  words: readonly string[],
  catalogue: readonly CommandInfo[],
): CommandInfo | undefined {
  let found: CommandInfo | undefined;
  let length = 0;
  for (const command of catalogue) {
    for (const path of command.paths) {
      if (path.length <= length || !path.every((word, at) => words[at] === word)) continue;
      found = command;
      length = path.length;
    }
  }
  return found;
}

/** The commands below these words; all for none. */
export function commandsBelow(
  words: readonly string[],
  catalogue: readonly CommandInfo[],
): readonly CommandInfo[] {
  return catalogue.filter((command) =>
    command.paths.some((path) => path.length > words.length && words.every((word, at) => path[at] === word)),
  );
}

/** Flags that take the next word. One that does so only in some commands does not count: it may be another's switch. */
function valueFlags(catalogue: readonly CommandInfo[]): ReadonlySet<string> {
  const options = catalogue.flatMap((command) => command.options);
  const switches = new Set(options.filter((option) => !option.takesValue).flatMap((option) => option.names));
  const taking = options.filter((option) => option.takesValue).flatMap((option) => option.names);
  return new Set(taking.filter((name) => !switches.has(name)));
}

function scan(argv: readonly string[], valued: ReadonlySet<string>): Omit<Meant, "command"> {
  const words: string[] = [];
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
    else if (!word.startsWith("-")) words.push(word);
  }
  return { words, wantsHelp, argv: full };
}
