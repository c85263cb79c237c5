import { expect, it } from "vitest";
import { hintFor } from "../../src/inventory/hint.ts";

it.each([
  {
    hint: "raise memory_limit in the run config, or use less memory",
    want: "raise the memory limit in the base job template, or use less memory",
  },
  { hint: "correct the image in the run config or storage", want: "correct the image in the job variables" },
  {
    hint: "check the image's name and tag, and image_pull_secrets for a private registry",
    want: "check the image's name and tag, and imagePullSecrets in the base job template for a private registry",
  },
  {
    hint: "create the ServiceAccount, or correct service_account_name in the run config",
    want: "create the ServiceAccount, or correct service_account_name in the job variables",
  },
  {
    hint: "raise activeDeadlineSeconds in the job template",
    want: "raise activeDeadlineSeconds in the base job template",
  },
  { hint: "restart the flow run", want: "restart the flow run" },
  { hint: undefined, want: undefined },
])("the hint to $hint reads for Prefect 2 and 3: $want", ({ hint, want }) => {
  expect(hintFor(2, hint)).toBe(want);
  expect(hintFor(1, hint)).toBe(hint);
});
