// The API of Prefect 2 and 3: whether it answers, and takes the key.

import { PrefectError } from "../../orchestrator/errors.ts";
import type { ApiAbout } from "../../prefect3/client.ts";
import type { Answer } from "../answer.ts";
import { causeOf, failureAt } from "../answer.ts";
import { withoutPassword } from "./configuration.ts";
import type { Finding } from "../finding.ts";

const SECTION = "prefect";

/** What came of asking for something that needs the key, and of asking for the version. */
export function prefect3Findings(
  target: { readonly url: string; readonly hasKey: boolean },
  asked: { readonly count: Answer<number>; readonly about: Answer<ApiAbout> },
): readonly Finding[] {
  const url = withoutPassword(target.url);
  const server = { section: SECTION, check: "Prefect 2/3 API" } as const;
  const { count } = asked;
  const version = asked.about.ok ? asked.about.value.version : undefined;
  const answers: Finding = {
    ...server,
    status: "ok",
    message: `${url} answers${version === undefined ? "" : `, Prefect ${version}`}`,
    data: { url, version },
  };
  if (count.ok) return [answers];
  const { error } = count;
  if (error instanceof PrefectError && error.failure === "unauthorized") {
    const message = target.hasKey
      ? `not accepted: ${causeOf(error)}`
      : "there is none, and the API wants one";
    return [
      answers,
      { section: SECTION, check: "Prefect 2/3 key", status: "broken", message, hint: error.hint },
    ];
  }
  const message = failureAt(target.url, url, error);
  return [{ ...server, status: "broken", message, hint: error.hint, data: { url } }];
}
