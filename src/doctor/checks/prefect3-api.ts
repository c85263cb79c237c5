// The API of Prefect 2 and 3: whether it answers, and whether it accepts the key.

import { PrefectError } from "../../orchestrator/errors.ts";
import type { ApiInfo } from "../../prefect3/client.ts";
import type { Answer } from "../answer.ts";
import { causeOf, failureAt } from "../answer.ts";
import { withoutPassword } from "./configuration.ts";
import type { Finding } from "../finding.ts";

const SECTION = "prefect";

/** `count`: the answer to a request that needs the key; `about`: the answer to a request for the version. */
export function prefect3Findings(
  target: { readonly url: string; readonly hasKey: boolean },
  results: { readonly count: Answer<number>; readonly about: Answer<ApiInfo> },
): readonly Finding[] {
  const url = withoutPassword(target.url);
  const server = { section: SECTION, check: "Prefect 2/3 API" } as const;
  const { count, about } = results;
  const version = about.ok ? about.value.version : undefined;
  const answers: Finding = {
    ...server,
    status: "ok",
    message: `${url} answers${version === undefined ? "" : `, Prefect ${version}`}`,
    data: { url, version },
  };
  if (count.ok) return [answers];
  const { error } = count;
  if (error instanceof PrefectError && error.failure === "unauthorized") {
    const message = target.hasKey ? `not accepted: ${causeOf(error)}` : "missing, but the API requires one";
    return [
      answers,
      { section: SECTION, check: "Prefect 2/3 key", status: "broken", message, hint: error.hint },
    ];
  }
  const message = failureAt(target.url, url, error);
  return [{ ...server, status: "broken", message, hint: error.hint, data: { url } }];
}
