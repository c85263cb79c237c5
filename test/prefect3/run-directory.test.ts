import { describe, expect, it } from "vitest";
import { prefect3Directory } from "../../src/prefect3/run-directory.ts";
import { clockOf } from "../support/clock.ts";

describe("the page of a run", () => {
  const WORKSPACE = "accounts/A/workspaces/W";
  const nobody = (): Promise<never> => Promise.reject(new Error("asked"));

  // All but the third and fourth as `prefect.utilities.urls.url_for` has them.
  it.each([
    { url: "http://127.0.0.1:4200/api", want: "http://127.0.0.1:4200" },
    { url: "https://prefect.corp/prefect/api/", want: "https://prefect.corp/prefect" },
    {
      url: `https://api.stg.prefect.dev/api/${WORKSPACE}`,
      want: "https://app.stg.prefect.dev/account/A/workspace/W",
    },
    {
      url: `https://api.prefect.corp/api/${WORKSPACE}`,
      cloudUiUrl: "https://ui.prefect.corp/",
      want: "https://ui.prefect.corp/account/A/workspace/W",
    },
    {
      url: `https://api.prefect.cloud/api/${WORKSPACE}`,
      want: "https://app.prefect.cloud/account/A/workspace/W",
    },
    { url: `https://prefect.corp/api/${WORKSPACE}`, want: "https://prefect.corp/account/A/workspace/W" },
    { url: `https://prefect.corp/api/${WORKSPACE}`, uiUrl: "https://ui.corp", want: "https://ui.corp" },
  ])("of $url is below $want", async ({ want, ...target }) => {
    const directory = prefect3Directory(target, nobody, clockOf({ now: () => new Date() }));
    expect(await directory.page("id")).toBe(`${want}/runs/flow-run/id`);
  });
});
