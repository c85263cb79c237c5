// The refusals of the fake, in the shapes of Prefect Server: they reach the client as `errors` of a GraphQL reply.

import { GraphQLError } from "graphql";

/** Raised by Prefect's own service: the client sees INTERNAL_SERVER_ERROR unless a code is given. */
export function apiError(message: string, code = "INTERNAL_SERVER_ERROR"): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

/** Raised by Hasura, which serves the tables; PostgreSQL's words. */
export function tableError(message: string, code: "data-exception" | "validation-failed"): GraphQLError {
  return new GraphQLError(message, { extensions: { path: "$", code } });
}

/** A row that refers to another which does not exist. */
export function foreignKeyError(table: string, column: string): GraphQLError {
  return apiError(
    `Foreign key violation. insert or update on table "${table}" violates foreign key constraint "${table}_${column}_fkey"`,
  );
}
