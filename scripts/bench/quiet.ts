// quiet: how many requests an agent sends to both APIs while 1,000 Jobs run and nothing changes.

import { setTimeout } from "node:timers/promises";
import type { Figure } from "./figure.ts";
import { requestsSoFar, withQuietAgent } from "./quiet-jobs.ts";

const JOBS = 1_000;
/** Until the requests of the launch are done. */
const SETTLED_MS = 20_000;
const MINUTES = 2;
const AT_MOST = 30;

/** Requests per minute. */
export const quiet: Figure = {
  name: "quiet",
  needs: ["linux"],
  measure: ({ binary }) =>
    withQuietAgent(binary, async ({ agent, prefect, kube, fill }) => {
      await fill(JOBS);
      await setTimeout(SETTLED_MS);
      const before = await requestsSoFar({ prefect, kube });
      const cpuBeforeMs = agent.cpuMs();
      await setTimeout(MINUTES * 60_000);
      const cpuMs = agent.cpuMs() - cpuBeforeMs;
      const after = await requestsSoFar({ prefect, kube });
      const [ofPrefect, ofKube] = [after.ofPrefect - before.ofPrefect, after.ofKube - before.ofKube];
      const requests = {
        prefect: await prefect.ask("requests", ofPrefect),
        kube: await kube.ask("requests", ofKube),
      };
      return [
        {
          name: "quiet requests, 1,000 Jobs",
          unit: "/min",
          ours: (ofPrefect + ofKube) / MINUTES,
          bound: { of: "ours", side: "at most", value: AT_MOST },
          details: { ofPrefect, ofKube, minutes: MINUTES, cpuMsPerMinute: cpuMs / MINUTES, requests },
        },
      ];
    }),
};
