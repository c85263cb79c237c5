import { describe, expect, it } from "vitest";
import { newIn } from "../../../../src/cli/commands/inspect/new-text.ts";

const SHOWN =
  'image "flows:1" of container \'flow\' cannot be pulled (ImagePullBackOff: Back-off pulling image "flows:1": manifest unknown)';

describe("newIn", () => {
  it.each([
    { text: 'Back-off pulling image "flows:1": manifest unknown', want: "" },
    { text: 'Failed to pull image "flows:1": manifest unknown', want: 'Failed to pull image "flows:1"' },
    { text: `Kubernetes Error: ${SHOWN}`, want: "Kubernetes Error" },
    {
      text: "Container 'flow' is waiting (ImagePullBackOff: Back-off pulling image \"flows:1\": manifest unknown)",
      want: "Container 'flow' is waiting",
    },
    { text: "Error: ErrImagePull", want: "Error: ErrImagePull" },
    { text: "unknown", want: "unknown" },
  ])("keeps of $text: $want", ({ text, want }) => {
    expect(newIn(text, SHOWN)).toBe(want);
  });
});
