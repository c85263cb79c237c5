// Prefect Server's gateway refuses queries that nest deeper than 7.

import { GraphQLError } from "graphql";
import type { ASTVisitor, ValidationContext } from "graphql";

const MAX_DEPTH = 7;

/** A validation rule for graphql-js. Introspection is free, and a field of the root has depth 0. */
export function depthLimit(context: ValidationContext): ASTVisitor {
  let depth = -1;
  return {
    Field: {
      enter(node) {
        if (node.name.value.startsWith("__")) return false;
        depth += 1;
        if (depth === MAX_DEPTH + 1) {
          context.reportError(
            new GraphQLError(`exceeds maximum operation depth of ${MAX_DEPTH}`, { nodes: node }),
          );
        }
        return undefined;
      },
      leave() {
        depth -= 1;
      },
    },
  };
}
