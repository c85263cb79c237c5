// Commands that work on the flow runs of one namespace, or of all.

import { SettingsError, textOf } from "../../base/errors.ts";
import type { ListScope } from "../cluster-scope.ts";
import { isTerminal } from "./base-command.ts";
import { ClusterCommand } from "./cluster-command.ts";
import type { ResolvedRun } from "../flow-run-ref.ts";
import { switchOption } from "./option-group.ts";

/** RUN, where none is given: no argument of a command line is so. */
export const NO_RUN = "\0RUN";

/** How long nothing is said of calls that are tried again. */
const SILENT_MS = 5_000;

export function emptyRun(): SettingsError {
  return new SettingsError("RUN is empty", { hint: "name one by its id, its name or job/NAME" });
}

export abstract class NamespacedCommand extends ClusterCommand {
  override readonly allNamespaces = switchOption("-A,--all-namespaces", "use all namespaces");

  protected override scope(): string {
    return this.allNamespaces ? "-A" : super.scope();
  }

  /** Whether the command can do without RUN. */
  mayLackRun(): boolean {
    return this.context.isInteractive && isTerminal(this.context.stderr);
  }

  /** RUN as it was typed; if it was not, the run that the person picks. Throws SettingsError for an empty one: `"$UNSET"`. */
  protected async pickedRun(text: string, scope: ListScope): Promise<string> {
    if (text === "") throw emptyRun();
    if (text !== NO_RUN) return text;
    const { pickRun } = await import("../pick-run.ts");
    return pickRun(this.context, scope);
  }

  /** The run that RUN stands for, for commands that only read. */
  protected async findRun(text: string, scope: ListScope): Promise<ResolvedRun> {
    const { findRun } = await import("../find-run.ts");
    return findRun(await this.pickedRun(text, scope), scope);
  }

  /** For calls that are tried again: after some seconds tells each error once, so that nobody waits without knowing for what. */
  protected tellingRetries(): (error: unknown) => void {
    const { clock } = this.context;
    const startMs = clock.ticks();
    const told = new Set<string>();
    return (error) => {
      const text = textOf(error);
      if (told.has(text) || clock.ticks() - startMs < SILENT_MS) return;
      told.add(text);
      this.printWarnings([`${text}; retrying`]);
    };
  }

  protected printWarnings(warnings: readonly string[]): void {
    for (const warning of warnings) this.printMessage(`warning: ${warning}`);
  }

  /** In kubectl's words; an empty result is no error. */
  protected printNothingFound(namespace: string | undefined): void {
    this.printMessage(
      namespace === undefined ? "No resources found" : `No resources found in ${namespace} namespace.`,
    );
  }
}

/** Prints of the warnings of each pass those that the pass before did not have: an outage is told once. */
export function newWarnings(print: (warning: string) => void): (warnings: readonly string[]) => void {
  let before: ReadonlySet<string> = new Set();
  return (warnings) => {
    for (const warning of warnings) if (!before.has(subjectOf(warning))) print(warning);
    before = new Set(warnings.map(subjectOf));
  };
}

/** What a warning is about: not its cause, nor how many there are, nor since when, which may change while it lasts. */
function subjectOf(warning: string): string {
  return warning.replace(/: .*$/s, "").replaceAll(/\d[\ddhms]*/g, "");
}
