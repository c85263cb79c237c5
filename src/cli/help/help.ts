// Help in kubectl's manner: an overview of the commands, the commands of a group, one command with its options.
// clipanion's own lists every option of every command and knows no words for values.

import type { CommandInfo, OptionInfo } from "./command-metadata.ts";
import { PROGRAM } from "../program-name.ts";
import { flagValue, hasOptionalValue } from "./flag-values.ts";
import { besides, paragraphsOf, wrapped } from "../../output/wrap.ts";

const HOME = "https://github.com/kubectl-prefect/kubectl-prefect";
const PURPOSE =
  "Runs the flow runs of Prefect 0.x/1.x as Kubernetes Jobs, installs the agent that does so, and shows and removes what flow runs leave behind in a cluster.";
const FLAG_COLUMN = 40;
const COMMAND_COLUMN = 18;
const JOBS = new Set([
  "--env",
  "--no-cloud-logs",
  "--job-template",
  "--service-account-name",
  "--image-pull-secrets",
  "--image-pull-policy",
  "--key-secret",
  "--safe-to-evict",
  "--no-dask-name",
  "--mem-request",
  "--mem-limit",
  "--cpu-request",
  "--cpu-limit",
]);
const FOLLOWING = new Set([
  "--start-grace",
  "--pending-timeout",
  "--on-disruption",
  "--cancel-grace",
  "--delete-succeeded-after",
  "--delete-failed-after",
  "--disable-job-deletion",
]);
const GENERAL = new Set(["--verbose", "--color", "--help"]);
const PREFECT = new Set(["--api", "--key", "--token", "--tenant-id", "--backend"]);
const CLUSTER = new Set([
  "--kubeconfig",
  "--context",
  "--cluster",
  "--user",
  "--namespace",
  "--server",
  "--as",
  "--as-group",
  "--as-uid",
  "--certificate-authority",
  "--tls-server-name",
  "--insecure-skip-tls-verify",
  "--request-timeout",
]);
const HELP: OptionInfo = {
  names: ["-h", "--help"],
  flag: "--help",
  takesValue: false,
  description: "show this",
};

/** `kubectl prefect --help`. */
export function overviewHelp(commands: readonly CommandInfo[]): string {
  return blocks([
    wrapped(PURPOSE, 0),
    ...byCategory(commands),
    [
      "Examples:",
      "  # Run the agent here, in the current context and namespace",
      `  ${PROGRAM} agent start -l k8s`,
      "",
      "  # Run it in the cluster",
      `  ${PROGRAM} install -k API_KEY --rbac | kubectl apply -f -`,
      "",
      "  # See the Job that a flow run would get",
      `  ${PROGRAM} render -f flow-run.json --explain`,
    ],
    ["Usage:", `  ${PROGRAM} COMMAND [options]`],
    [`Use "${PROGRAM} COMMAND --help" for what a command does and its options.`, `Read on at ${HOME}`],
  ]);
}

/** `kubectl prefect agent`: the commands that begin so. */
export function groupHelp(words: readonly string[], commands: readonly CommandInfo[]): string {
  const prefix = words.join(" ");
  const rows = commands.flatMap((command): [string, string][] => {
    const path = command.paths.find((each) => words.every((word, at) => each[at] === word));
    return path === undefined ? [] : [[path.slice(words.length).join(" "), command.description]];
  });
  return blocks([
    ["Available commands:", ...table(rows)],
    ["Usage:", `  ${PROGRAM} ${prefix} COMMAND [options]`],
    [`Use "${PROGRAM} ${prefix} COMMAND --help" for what a command does and its options.`],
  ]);
}

/** `kubectl prefect agent start --help`. */
export function commandHelp(command: CommandInfo): string {
  const { name, args, description, details, examples } = command;
  const aliases = command.paths.slice(1).filter((path) => !path.some((word) => word.startsWith("-")));
  return blocks([
    [`${description.charAt(0).toUpperCase()}${description.slice(1)}.`],
    ...paragraphsOf(details).map((paragraph) => wrapped(paragraph, 0)),
    examples.length === 0 ? [] : ["Examples:", ...examples.flatMap(exampleLines)],
    ...optionGroups(command).map(([title, options]) => [
      `${title}:`,
      ...options.flatMap((option) => besides(spelling(name, option), option.description, FLAG_COLUMN)),
    ]),
    aliases.length === 0 ? [] : ["Also called:", ...aliases.map((path) => `  ${PROGRAM} ${path.join(" ")}`)],
    ["Usage:", `  ${[PROGRAM, name, args, "[options]"].filter((part) => part !== "").join(" ")}`],
  ]);
}

/** An option's own group first, then what many commands share. */
function optionGroups(command: CommandInfo): (readonly [string, readonly OptionInfo[]])[] {
  const { speaksTo } = command;
  const groupOf = ({ flag }: OptionInfo): string => {
    if (JOBS.has(flag)) return "Jobs of flow runs";
    if (FOLLOWING.has(flag)) return "What becomes of Jobs";
    if (GENERAL.has(flag)) return "General";
    if (speaksTo !== "nobody" && PREFECT.has(flag)) return "Prefect";
    return speaksTo === "cluster" && CLUSTER.has(flag) ? "Cluster (as kubectl)" : "Options";
  };
  const options = [...command.options, HELP];
  return [
    "Options",
    "Jobs of flow runs",
    "What becomes of Jobs",
    "Prefect",
    "Cluster (as kubectl)",
    "General",
  ].flatMap((title) => {
    const members = options.filter((option) => groupOf(option) === title);
    return members.length === 0 ? [] : [[title, members] as const];
  });
}

/** `-l, --label LABEL`; a flag without a short form stands under the long ones. */
function spelling(command: string, option: OptionInfo): string {
  const { names, flag } = option;
  const short = names.filter((name) => !name.startsWith("--")).join(", ");
  const long = names.filter((name) => name.startsWith("--")).join(", ");
  return `  ${short === "" ? "    " : `${short}, `}${long}${value(command, option, flag)}`;
}

function value(command: string, option: OptionInfo, flag: string): string {
  if (option.takesValue) return ` ${flagValue(command, flag).placeholder}`;
  return hasOptionalValue(command, flag) ? `[=${flagValue(command, flag).placeholder}]` : "";
}

function exampleLines([comment, line]: readonly [string, string], at: number): string[] {
  const lines = [
    ...wrapped(comment.replaceAll("`", ""), 4).map((text) => text.replace(/^ {4}/, "  # ")),
    ...line.split("\n").map((each) => `  ${each.replaceAll("$0", PROGRAM)}`),
  ];
  return at === 0 ? lines : ["", ...lines];
}

/** Commands under the headings of their categories, in the order in which these appear; `Other` comes last. */
function byCategory(commands: readonly CommandInfo[]): string[][] {
  const categories = [...new Set(commands.map((command) => command.category))];
  const last = categories.filter((category) => category === "Other");
  return [...categories.filter((category) => category !== "Other"), ...last].map((category) => [
    `${category}:`,
    ...table(
      commands
        .filter((command) => command.category === category)
        .map((command) => [command.name, command.description]),
    ),
  ]);
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  return rows.flatMap(([left, right]) => besides(`  ${left}`, right, COMMAND_COLUMN));
}

/** Blocks of lines, a blank line between them. */
function blocks(parts: readonly (readonly string[])[]): string {
  const texts = parts.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `${texts.join("\n\n")}\n`;
}
