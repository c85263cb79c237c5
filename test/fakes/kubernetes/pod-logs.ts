// What containers have written, and GET /log over it.

import type { Clock } from "../../../src/base/clock.ts";
import type { ContainerStatus, Pod } from "../../../src/kube/client/objects.ts";
import type { ResponseStream } from "../http-server.ts";
import type { Answer } from "./api-server.ts";
import { badRequest, invalid, notFound } from "./failure.ts";
import { asPod } from "./kube-object.ts";
import { numberIn } from "./lists.ts";
import type { Store } from "./store.ts";
import type { Target } from "./target.ts";

interface Line {
  readonly at: Date;
  readonly text: string;
}

const PLAIN = { "content-type": "text/plain" };

type Follower = (line: Line | undefined) => void;

/** The logs of all containers. */
export class PodLogs {
  readonly #store: Store;
  readonly #clock: Pick<Clock, "now">;
  readonly #lines = new Map<string, Line[]>();
  readonly #followers = new Map<string, Set<Follower>>();

  constructor(store: Store, clock: Pick<Clock, "now">) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Adds text to a container's log, line by line. */
  append(podUid: string, container: string, text: string): void {
    const key = `${podUid}/${container}`;
    const at = this.#clock.now();
    const lines = text.replace(/\n$/, "").split("\n");
    const added = lines.map((line) => ({ at, text: line }));
    const kept = this.#lines.get(key) ?? [];
    this.#lines.set(key, kept);
    for (const line of added) kept.push(line);
    for (const follower of this.#followers.get(key) ?? []) for (const line of added) follower(line);
  }

  /** Ends the streams that follow a pod's containers. */
  close(podUid: string, containers: readonly string[]): void {
    for (const container of containers) {
      for (const follower of this.#followers.get(`${podUid}/${container}`) ?? []) follower(undefined);
    }
  }

  /** Forgets a pod's logs, and ends the streams that follow them. */
  forget(podUid: string, containers: readonly string[]): void {
    this.close(podUid, containers);
    for (const container of containers) this.#lines.delete(`${podUid}/${container}`);
  }

  /** The answer to GET /log. Throws the Failures of the real server and its kubelet. */
  read(target: Target): Answer {
    const version = this.#store.find(target.type, target.namespace, target.name);
    if (version === undefined) throw notFound(target.type, target.name);
    const pod = asPod(version.object);
    const wanted = shapeOf(target);
    const container = containerOf(pod, target.query.get("container") ?? "");
    if ((pod.spec.nodeName ?? "") === "") return { status: 204, body: "", headers: {} };
    const isOver = checkStarted(pod, container, target.query.get("previous") === "true");
    const key = `${pod.metadata.uid}/${container}`;
    if (target.query.get("follow") !== "true" || isOver) {
      const text = this.#recent(key, wanted).map((line) => shown(line, wanted));
      return { status: 200, body: limited(text.join(""), wanted.limitBytes), headers: PLAIN };
    }
    return {
      status: 200,
      headers: PLAIN,
      start: (stream) => this.#follow(pod.metadata.uid, container, { stream, wanted }),
    };
  }

  #recent(key: string, { tailLines, sinceSeconds, sinceTime }: Shape): readonly Line[] {
    const since = sinceSeconds === undefined ? sinceTime : this.#clock.now().getTime() - sinceSeconds * 1_000;
    const lines = (this.#lines.get(key) ?? []).filter((line) => line.at.getTime() >= since);
    return tailLines === undefined ? lines : lines.slice(Math.max(0, lines.length - tailLines));
  }

  #follow(uid: string, container: string, to: { stream: ResponseStream; wanted: Shape }): void {
    const key = `${uid}/${container}`;
    const { stream, wanted } = to;
    for (const line of this.#recent(key, wanted)) stream.write(shown(line, wanted));
    const pod = this.#store.byUid(uid);
    if (pod === undefined || isTerminated(asPod(pod.object), container)) {
      stream.end();
      return;
    }
    const followers = this.#followers.get(key) ?? new Set();
    this.#followers.set(key, followers);
    const follower: Follower = (line) => {
      if (line === undefined) stream.end();
      else stream.write(shown(line, wanted));
    };
    followers.add(follower);
    stream.onClose(() => {
      followers.delete(follower);
      if (followers.size === 0) this.#followers.delete(key);
    });
  }
}

interface Shape {
  readonly tailLines: number | undefined;
  readonly sinceSeconds: number | undefined;
  /** In whole seconds, as the API server hands it on; 0 without it. */
  readonly sinceTime: number;
  readonly limitBytes: number | undefined;
  readonly timestamps: boolean;
}

function shapeOf({ query, name }: Target): Shape {
  const shape = {
    tailLines: numberIn(query, "tailLines"),
    sinceSeconds: numberIn(query, "sinceSeconds"),
    sinceTime: Math.floor(Date.parse(query.get("sinceTime") ?? "1970-01-01T00:00:00Z") / 1_000) * 1_000,
    limitBytes: numberIn(query, "limitBytes"),
    timestamps: query.get("timestamps") === "true",
  };
  const least = { tailLines: 0, sinceSeconds: 1, limitBytes: 1 };
  for (const field of ["tailLines", "sinceSeconds", "limitBytes"] as const) {
    const value = shape[field];
    if (value === undefined || value >= least[field]) continue;
    const rule = field === "tailLines" ? "must be greater than or equal to 0" : "must be greater than 0";
    const message = `Invalid value: ${value}: ${rule}`;
    throw invalid({ group: "", kind: "PodLogOptions" }, name, [
      { reason: "FieldValueInvalid", message, field },
    ]);
  }
  return shape;
}

function containerOf(pod: Pod, asked: string): string {
  const { containers = [], initContainers = [] } = pod.spec;
  const names = [...initContainers, ...containers].map((container) => container.name);
  const [only, second] = names;
  if (asked === "") {
    if (only !== undefined && second === undefined) return only;
    const choice = names.join(" ");
    throw badRequest(
      `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${choice}]`,
    );
  }
  if (names.includes(asked)) return asked;
  throw badRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`);
}

/** Whether the container has ended. Throws a 400 Failure when it, or its previous run, has not begun. */
function checkStarted(pod: Pod, container: string, previous: boolean): boolean {
  const status = statusOf(pod, container);
  if (previous && status?.lastState?.terminated === undefined) {
    throw badRequest(`previous terminated container "${container}" in pod "${pod.metadata.name}" not found`);
  }
  const waiting = status?.lastState?.terminated === undefined ? whyWaiting(status) : undefined;
  if (waiting !== undefined) {
    throw badRequest(
      `container "${container}" in pod "${pod.metadata.name}" is waiting to start: ${waiting}`,
    );
  }
  return isTerminated(pod, container);
}

function statusOf(pod: Pod, container: string): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status;
  return [...initContainerStatuses, ...containerStatuses].find((one) => one.name === container);
}

function isTerminated(pod: Pod, container: string): boolean {
  return statusOf(pod, container)?.state?.terminated !== undefined;
}

function whyWaiting(status: ContainerStatus | undefined): string | undefined {
  const reason = status?.state?.waiting?.reason;
  if (reason === "ErrImagePull") return "image can't be pulled";
  return reason === "ImagePullBackOff" ? "trying and failing to pull image" : reason;
}

function shown(line: Line, { timestamps }: Shape): string {
  const at = timestamps ? `${line.at.toISOString().slice(0, 23)}000000Z ` : "";
  return `${at}${line.text}\n`;
}

function limited(text: string, bytes: number | undefined): string {
  return bytes === undefined ? text : Buffer.from(text).subarray(0, bytes).toString("utf8");
}
