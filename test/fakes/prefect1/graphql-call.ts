// One GraphQL request: reading it, and answering it in the shapes of Prefect Server's gateway (Apollo 2).

import { execute, GraphQLError, Kind, parse, specifiedRules, validate } from "graphql";
import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from "graphql";
import { isObject, objectIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { depthLimit } from "./depth-limit.ts";
import type { Caller } from "./service.ts";

/** What the HTTP server sends back. */
export interface Reply {
  readonly status: number;
  readonly body: JsonObject | string;
  /** The Retry-After header. */
  readonly retryAfter?: string;
}

/** A request that can be executed. */
export interface GraphqlCall {
  readonly document: DocumentNode;
  readonly kind: "query" | "mutation" | "subscription";
  /** The root fields by their own names, not by their aliases. */
  readonly fields: readonly string[];
  readonly variables: JsonObject;
}

const CACHED_DOCUMENTS = 300;

/** Reads requests against one schema; remembers the last documents, since agents repeat theirs for ever. */
export class CallReader {
  readonly #schema: GraphQLSchema;
  readonly #documents = new Map<string, DocumentNode | Reply>();

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  /** The call, or the reply that refuses it. */
  read(text: string): GraphqlCall | Reply {
    const body = jsonOf(text);
    if (!isObject(body) || typeof body["query"] !== "string") {
      return { status: 400, body: "POST body missing. Did you forget use body-parser middleware?" };
    }
    const variables = variablesIn(body["variables"]);
    if (variables === undefined) return { status: 400, body: "Variables are invalid JSON." };
    const document = this.#document(body["query"]);
    if (isReply(document)) return document;
    const operation = document.definitions.find((node) => node.kind === Kind.OPERATION_DEFINITION);
    if (operation === undefined) return refusal([new GraphQLError("Must provide an operation.")], "PARSE");
    return { document, kind: operation.operation, fields: rootFields(operation), variables };
  }

  #document(query: string): DocumentNode | Reply {
    const known = this.#documents.get(query);
    if (known !== undefined) return known;
    const fresh = checked(this.#schema, query);
    for (const oldest of this.#documents.keys()) {
      if (this.#documents.size < CACHED_DOCUMENTS) break;
      this.#documents.delete(oldest);
    }
    this.#documents.set(query, fresh);
    return fresh;
  }
}

/** Whether reading ended in a refusal. */
export function isReply(value: object): value is Reply {
  return "status" in value;
}

/** Runs the call. Refused variables are HTTP 400; everything after that is 200 with `errors`. */
export async function answer(schema: GraphQLSchema, call: GraphqlCall, caller: Caller): Promise<Reply> {
  const result = await execute({
    schema,
    document: call.document,
    variableValues: call.variables,
    contextValue: caller,
  });
  const errors = result.errors?.map((error) => ({
    ...error.toJSON(),
    extensions: { code: "INTERNAL_SERVER_ERROR", ...error.extensions },
  }));
  if (result.data === undefined) {
    const bad = errors?.map((error) => ({ ...error, extensions: { code: "BAD_USER_INPUT" } }));
    return { status: 400, body: { errors: bad } };
  }
  return { status: 200, body: errors === undefined ? { data: result.data } : { data: result.data, errors } };
}

function checked(schema: GraphQLSchema, query: string): DocumentNode | Reply {
  try {
    const document = parse(query);
    const errors = validate(schema, document, [...specifiedRules, depthLimit]);
    return errors.length === 0 ? document : refusal(errors, "VALIDATION");
  } catch (failure) {
    if (failure instanceof GraphQLError) return refusal([failure], "PARSE");
    throw failure;
  }
}

function refusal(errors: readonly GraphQLError[], stage: "PARSE" | "VALIDATION"): Reply {
  const extensions = { code: `GRAPHQL_${stage}_FAILED` };
  return { status: 400, body: { errors: errors.map((error) => ({ ...error.toJSON(), extensions })) } };
}

function rootFields(operation: OperationDefinitionNode): string[] {
  return operation.selectionSet.selections.flatMap((node) =>
    node.kind === Kind.FIELD ? [node.name.value] : [],
  );
}

/** Prefect's client sends variables as a JSON text within the JSON; `"null"` when there are none. */
function variablesIn(given: unknown): JsonObject | undefined {
  if (typeof given !== "string") return objectIn(given);
  const parsed = given === "" ? null : jsonOf(given);
  if (parsed === null) return {};
  return isObject(parsed) ? parsed : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
