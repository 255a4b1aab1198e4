import { z } from "zod";

export type Json = Record<string, unknown>;

export const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * A zod schema as JSON Schema 2020-12: as it is sent (`input`) or answered (`output`). It stands on its own, to be put
 * into a larger document: what is recursive in it (any JSON) is described as anything.
 */
export function jsonSchema(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, $defs: __, ...made } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  const alone = withoutReferences(made);
  return isJson(alone) ? alone : {};
}

function withoutReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutReferences);
  if (!isJson(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (key === "$ref" ? [] : [[key, withoutReferences(inner)]])),
  );
}
