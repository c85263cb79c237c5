// A loop that only creates Jobs, with Node's own HTTPS client: the comparison for the launch.

import https from "node:https";
import http from "node:http";
import { serve } from "./child.ts";
import type { ClusterAccess } from "./access.ts";

export interface BareRound {
  readonly access: ClusterAccess;
  readonly namespace: string;
  /** The Jobs as JSON. */
  readonly jobs: readonly string[];
  readonly concurrency: number;
}

export type BareCommands = typeof commands;

const commands = {
  /** Creates all Jobs; returns the start time and the processor time. */
  create: async ({ access, namespace, jobs, concurrency }: BareRound) => {
    const url = new URL(`/apis/batch/v1/namespaces/${namespace}/jobs`, access.server);
    const secure = url.protocol === "https:";
    const pool = { keepAlive: true, maxSockets: concurrency };
    const agent = secure ? new https.Agent({ ...pool, ...access.tls }) : new http.Agent(pool);
    const { request } = secure ? https : http;
    const post = (body: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const headers = {
          ...access.headers,
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
        };
        const outgoing = request(url, { method: "POST", headers, agent }, (response) => {
          response.resume();
          if (response.statusCode !== 201) reject(new Error(`a Job was answered ${response.statusCode}`));
          response.once("end", resolve);
        });
        outgoing.once("error", reject).end(body);
      });
    const beganAtMs = Date.now();
    const before = process.cpuUsage();
    const left = jobs.values();
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        for (const job of left) await post(job);
      }),
    );
    const { user, system } = process.cpuUsage(before);
    agent.destroy();
    return { beganAtMs, cpuMs: (user + system) / 1_000 };
  },
};

if (import.meta.main) serve(commands);
