// A check looks at one thing; a finding is what it has found, as data. And the words that findings share.

import { attempt } from "../base/attempt.ts";
import { shellWord } from "../base/shell-word.ts";
import { isForbidden } from "../kube/client/errors.ts";
import { causeOf, ReportedError } from "./answer.ts";
import type { Context } from "./context.ts";

/** How many items of a long list are named. */
const SHOWN = 3;

/** broken: an agent or a flow run does not work · warning: it works, but needs attention · skipped: it could not be checked. */
export type Status = "ok" | "warning" | "broken" | "skipped";

/** In the order of the report. */
type Section = "configuration" | "kubernetes" | "permissions" | "prefect" | "flow runs" | "leftovers";

/** What was checked. */
export interface About {
  readonly section: Section;
  /** In a word or two: `namespace`, `launching flow runs`. */
  readonly check: string;
  /** Whose permissions these are: `you`, `ServiceAccount flows/prefect-agent`. */
  readonly subject?: string | undefined;
}

export interface More {
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** A command that shows more, and changes nothing. */
  readonly look?: string | undefined;
  /** The commands that mend it, in their order. */
  readonly fix?: readonly string[] | undefined;
  /** Further lines below the message. */
  readonly details?: readonly string[] | undefined;
}

export interface Finding extends About, More {
  readonly status: Status;
  /** One line. */
  readonly message: string;
}

/** `check` makes the check of it: if one of its requests throws an ExpectedError, that is its finding. */
export function checkOf(about: About) {
  const findingOf =
    (status: Status) =>
    (message: string, more?: More): Finding => ({ ...about, status, message, ...more });
  const warning = findingOf("warning");
  const skipped = findingOf("skipped");
  const check =
    (run: (context: Context) => readonly Finding[] | Promise<readonly Finding[]>) =>
    async (context: Context): Promise<readonly Finding[]> => {
      const found = await attempt(() => run(context));
      if (found.ok) return found.value;
      if (found.error instanceof ReportedError) return [];
      const { message, hint } = found.error;
      if (!isForbidden(found.error)) return [warning(message, { hint })];
      return [skipped(`no permission to check it: ${causeOf(found.error)}`)];
    };
  return { check, ok: findingOf("ok"), warning, broken: findingOf("broken"), skipped };
}

/** `kubectl logs agent-1 -n flows`; where it is shown, the user's own flags come behind it. */
export function kubectl(command: string, namespace?: string): string {
  return `kubectl ${command}${namespace === undefined ? "" : ` -n ${shellWord(namespace)}`}`;
}

/** `3 Jobs`, `1 Job`. */
export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

/** The first few of a list, and how many more there are: `a, b, c and 4 more`. */
export function firstOf(items: readonly string[]): string {
  const shown = items.slice(0, SHOWN).join(", ");
  return items.length > SHOWN ? `${shown} and ${items.length - SHOWN} more` : shown;
}
