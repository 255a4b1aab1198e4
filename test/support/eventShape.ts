import type { z } from "zod";
import type { EventDeclaration } from "../../domain/catalogue.ts";
import { isJson, type Json, jsonSchema } from "../../infra/ports/jsonSchema.ts";

/** What a version of an event holds, as JSON Schema. */
export interface EventShape {
  readonly data: Json;
  readonly sealed: Json | null;
}

/** A format says it all: the pattern behind it is zod's own, and may read otherwise in another zod. */
function withoutPatterns(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPatterns);
  if (!isJson(value)) return value;
  const kept = Object.entries(value).filter(([key]) => key !== "pattern" || !("format" in value));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutPatterns(inner)]));
}

export function shapeOf(schema: z.ZodType): Json {
  const shape = withoutPatterns(jsonSchema(schema, "input"));
  return isJson(shape) ? shape : {};
}

export const eventShape = ({ schema }: EventDeclaration): EventShape => ({
  data: shapeOf(schema.data),
  sealed: schema.sealed ? shapeOf(schema.sealed) : null,
});
