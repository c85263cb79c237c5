// Plain HTTP requests to a Kubernetes API server, as the contract needs them: no client library in between.

import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { setTimeout as later } from "node:timers/promises";

/** How to reach a server, and where to work in it. */
export interface KubeConnection {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly ca?: Buffer | string;
  /** A client certificate and its key. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly namespace: string;
  /** Seconds that a watch must last to show bookmarks; 5 without it. */
  readonly watchSeconds?: number;
}

/** Any answer's body, as far as tests read fields of it by name; what is not in the answer is not there. */
export interface Body {
  readonly kind?: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly continue: string;
    readonly deletionTimestamp?: string;
    readonly remainingItemCount?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly unknown[];
    readonly finalizers?: readonly string[];
    readonly managedFields?: unknown;
  };
  readonly spec: {
    readonly selector: unknown;
    readonly nodeName?: string;
    readonly schedulerName?: string;
    readonly ttlSecondsAfterFinished?: number;
    readonly template: { readonly metadata: { readonly labels: unknown }; readonly spec: unknown };
  };
  readonly status: {
    readonly phase?: string;
    readonly active?: number;
    readonly ready?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses: readonly { readonly state: { readonly terminated?: unknown } }[];
    readonly userInfo?: { readonly username: string };
  };
  readonly data?: unknown;
  readonly stringData?: unknown;
  readonly details: { readonly causes: readonly { readonly field: string; readonly message: string }[] };
  readonly involvedObject: { readonly kind: string; readonly name: string };
  readonly items: readonly Body[];
  readonly groups: readonly { readonly name: string }[];
  readonly resources: readonly { readonly name: string }[];
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** The parsed body; empty when it is not JSON. */
  readonly body: Body;
}

export interface Call {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly headers?: Record<string, string>;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: Body;
}

/** A watch under way. */
export interface Watching {
  readonly status: number;
  readonly events: readonly WatchEvent[];
  /** Resolves when an event passes the test, or rejects when the watch ends or ten seconds pass before. */
  until(test: (event: WatchEvent) => boolean): Promise<WatchEvent>;
  /** Resolves when the server has ended it. */
  ended(): Promise<void>;
  stop(): void;
}

/** A server at the other end of a connection. */
export class KubeServer {
  readonly #connection: KubeConnection;

  constructor(connection: KubeConnection) {
    this.#connection = connection;
  }

  get namespace(): string {
    return this.#connection.namespace;
  }

  get watchSeconds(): number {
    return this.#connection.watchSeconds ?? 5;
  }

  /** The path of a namespaced resource in the contract's namespace. */
  path(resource: string, name = ""): string {
    const groups: Record<string, string> = {
      jobs: "/apis/batch/v1",
      leases: "/apis/coordination.k8s.io/v1",
      poddisruptionbudgets: "/apis/policy/v1",
    };
    const base = `${groups[resource] ?? "/api/v1"}/namespaces/${this.namespace}/${resource}`;
    return name === "" ? base : `${base}/${name}`;
  }

  get(path: string, call: Call = {}): Promise<Reply> {
    return this.#send("GET", path, call);
  }

  post(path: string, body: unknown, call: Call = {}): Promise<Reply> {
    return this.#send("POST", path, { ...call, body });
  }

  put(path: string, body: unknown): Promise<Reply> {
    return this.#send("PUT", path, { body });
  }

  /** A merge patch, unless another form is named. */
  patch(path: string, body: unknown, contentType = "application/merge-patch+json"): Promise<Reply> {
    return this.#send("PATCH", path, { body, contentType });
  }

  delete(path: string, body?: unknown): Promise<Reply> {
    return this.#send("DELETE", path, body === undefined ? {} : { body });
  }

  /** Asks until the test passes. Rejects after thirty seconds. */
  async until(path: string, test: (reply: Reply) => boolean): Promise<Reply> {
    for (let tries = 0; ; tries++) {
      const reply = await this.get(path);
      if (test(reply)) return reply;
      if (tries > 1_500) throw new Error(`never came true at ${path}: ${reply.text.slice(0, 500)}`);
      await later(20);
    }
  }

  async watch(path: string): Promise<Watching> {
    const response = await this.#open("GET", path, {});
    return watching(response);
  }

  async #send(method: string, path: string, call: Call): Promise<Reply> {
    const response = await this.#open(method, path, call);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    const isJson = response.headers["content-type"]?.startsWith("application/json") === true;
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text,
      body: (isJson ? JSON.parse(text) : {}) as Body,
    };
  }

  #open(method: string, path: string, call: Call): Promise<IncomingMessage> {
    const { url, headers, ca, cert, key } = this.#connection;
    const send = url.startsWith("https:") ? httpsRequest : httpRequest;
    const text = typeof call.body === "string" ? call.body : JSON.stringify(call.body);
    const sized =
      text === undefined
        ? {}
        : {
            "content-type": call.contentType ?? "application/json",
            "content-length": String(Buffer.byteLength(text)),
          };
    return new Promise((resolve, reject) => {
      const options = {
        method,
        headers: { ...headers, ...sized, ...call.headers },
        agent: false,
        ...(ca && { ca }),
        ...(cert && { cert, key }),
      };
      const sent = send(new URL(path, url), options as Parameters<typeof httpRequest>[1] & object, resolve);
      sent.on("error", reject);
      sent.end(text);
    });
  }
}

function watching(response: IncomingMessage): Watching {
  const events: WatchEvent[] = [];
  let rest = "";
  let isOver = false;
  const wakes = new Set<() => void>();
  const wake = (): void => {
    for (const one of wakes) one();
  };
  response.setEncoding("utf8");
  response.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") events.push(JSON.parse(line) as WatchEvent);
    wake();
  });
  response.on("close", () => {
    isOver = true;
    wake();
  });
  response.on("error", wake);
  const settled = <T>(look: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => done(new Error(`nothing came; seen: ${JSON.stringify(events)}`)),
        10_000,
      );
      const done = (value: T | Error): void => {
        clearTimeout(timer);
        wakes.delete(attempt);
        if (value instanceof Error) reject(value);
        else resolve(value);
      };
      const attempt = (): void => {
        const found = look();
        if (found !== undefined) done(found);
        else if (isOver) done(new Error(`the watch ended; seen: ${JSON.stringify(events)}`));
      };
      wakes.add(attempt);
      attempt();
    });
  return {
    status: response.statusCode ?? 0,
    events,
    until: (test) => settled(() => events.find(test)),
    ended: async () => {
      await settled(() => (isOver ? true : undefined));
    },
    stop: () => response.destroy(),
  };
}
