// Every Job that was created in a namespace, including Jobs that were deleted soon after.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { mustKubectl } from "./kubectl.ts";

interface WatchEvent {
  readonly type: string;
  readonly object: {
    readonly metadata: { readonly uid: string; readonly labels?: Readonly<Record<string, string>> };
  };
}

/** Watches from before the first Job; stop it at the end. */
export class JobWatch {
  readonly #child: ChildProcess;
  readonly #runOf = new Map<string, string>();
  readonly #deleted = new Set<string>();

  constructor(namespace: string) {
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    const list = JSON.parse(mustKubectl(["get", "--raw", path])) as { metadata: { resourceVersion: string } };
    const query = `watch=1&resourceVersion=${list.metadata.resourceVersion}&timeoutSeconds=1800`;
    this.#child = spawn("kubectl", ["get", "--raw", `${path}?${query}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (this.#child.stdout !== null) {
      createInterface({ input: this.#child.stdout }).on("line", (line) => this.#record(line));
    }
  }

  /** The flow run id of every Job that was created, in no order. */
  get flowRunIds(): readonly string[] {
    return [...this.#runOf.values()];
  }

  /** How many of the Jobs were deleted. */
  get deletedCount(): number {
    return this.#deleted.size;
  }

  stop(): void {
    this.#child.kill();
  }

  #record(line: string): void {
    const { type, object } = JSON.parse(line) as WatchEvent;
    const { uid, labels } = object.metadata;
    this.#runOf.set(uid, labels?.["prefect.io/flow_run_id"] ?? "none");
    if (type === "DELETED") this.#deleted.add(uid);
  }
}
