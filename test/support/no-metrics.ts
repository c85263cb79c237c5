import type { AgentMetrics } from "../../src/agent/server/metrics.ts";

export const noMetrics: AgentMetrics = { count() {}, startDelay() {}, progress() {} };
