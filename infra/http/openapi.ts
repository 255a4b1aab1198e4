import type { OpenDoor } from "../ports/door.ts";
import { isJson, type Json, jsonSchema } from "../ports/jsonSchema.ts";
import { rejectionCodes } from "./problem.ts";
import { routeOf } from "./route.ts";

/** The public contract as OpenAPI 3.1, generated from the declarations of the doors. */
export function openApi(doors: readonly OpenDoor[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const it of doors) {
    const { method, path } = routeOf(it);
    const url = path.replace(/:(\w+)/g, "{$1}");
    paths[url] = { ...paths[url], [method.toLowerCase()]: operation(it, method, path) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Scripta",
      version,
      description: "An event-sourced chat backend. The realtime protocol is described at /asyncapi.json.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ accessToken: [] }],
    paths,
    components: {
      securitySchemes: { accessToken: { type: "http", scheme: "bearer" } },
      responses: {
        Problem: { description: "A problem (RFC 9457)", content: { "application/problem+json": { schema: problem } } },
      },
    },
  };
}

const problem = {
  type: "object",
  required: ["type", "title", "status", "code", "traceId"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    code: { enum: rejectionCodes },
    detail: { type: "string" },
    errors: {
      type: "array",
      items: { type: "object", properties: { path: { type: "string" }, message: { type: "string" } } },
    },
    traceId: { type: "string" },
  },
};

/** Every read takes it, in either place. */
const MIN_POSITION: readonly Json[] = [
  ["Scripta-Min-Position", "header"],
  ["minPosition", "query"],
].map(([name, place]) => ({
  name,
  in: place,
  required: false,
  description: "A position that an answer named: the read waits for it, at most 2 s.",
  schema: { type: "integer", minimum: 0 },
}));

/** What is written down may say why, in either place. */
const PURPOSE: readonly Json[] = [
  ["Scripta-Purpose", "header", "Why, in words: percent-encoded UTF-8. Kept sealed in the log of accesses."],
  ["purpose", "query", "As the header, for who cannot send one."],
].map(([name, place, description]) => ({
  name,
  in: place,
  required: false,
  description,
  schema: { type: "string", maxLength: 500 },
}));

function operation(it: OpenDoor, method: string, path: string): Json {
  const whole = jsonSchema(it.payload, "input");
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? "");
  const properties = isJson(whole.properties) ? whole.properties : {};
  const required = Array.isArray(whole.required) ? whole.required : [];
  const parameter = (name: string, place: "path" | "query") => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    schema: properties[name] ?? { type: "string" },
  });
  const others = Object.keys(properties).filter((name) => !inPath.includes(name) && name !== "ifMatch");
  const parameters: Json[] = inPath.map((name) => parameter(name, "path"));
  if (method === "GET") {
    parameters.push(...others.map((name) => parameter(name, "query")));
    parameters.push(...MIN_POSITION);
    if (it.audited) parameters.push(...PURPOSE);
  } else if (it.access !== "anyone" || it.name === "Register") {
    parameters.push(header("Idempotency-Key", "string", "A UUID; the same request with it is done once."));
    if (it.audited) parameters.push(...PURPOSE.filter((one) => one.in === "header"));
  }
  if ("ifMatch" in properties) parameters.push(header("If-Match", "integer", "The revision it was seen at."));
  const body = properties && Object.keys(properties).length > 0 ? bodyOf(whole, others) : whole;
  return {
    operationId: it.name,
    summary: it.summary,
    ...(it.access === "anyone" ? { security: [] } : {}),
    ...(Array.isArray(it.access) ? { description: `Takes one of the roles ${it.access.join(", ")}.` } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(method !== "GET" && (others.length > 0 || !isJson(whole.properties))
      ? { requestBody: { required: needsBody(body), content: { "application/json": { schema: body } } } }
      : {}),
    responses: {
      [it.status]: it.status === 204 ? { description: "Done" } : { description: "Done", content: contentOf(it) },
      default: { $ref: "#/components/responses/Problem" },
    },
  };
}

const contentOf = (it: OpenDoor): Json => (it.file ? { [it.file]: {} } : jsonOf(it));

const jsonOf = (it: OpenDoor): Json => ({
  "application/json": { schema: jsonSchema(it.result, "output") },
  ...(it.lines ? { "application/x-ndjson": { schema: { type: "string" } } } : {}),
});

/** Where every field may be left out, so may the body. */
const needsBody = ({ properties, required }: Json): boolean => !isJson(properties) || Array.isArray(required);

function bodyOf(whole: Json, names: readonly string[]): Json {
  const properties = isJson(whole.properties) ? whole.properties : {};
  const required = Array.isArray(whole.required) ? whole.required.filter((name) => names.includes(name)) : [];
  return {
    ...whole,
    properties: Object.fromEntries(names.map((name) => [name, properties[name]])),
    required: required.length > 0 ? required : undefined,
  };
}

const header = (name: string, type: "integer" | "string", description: string): Json => ({
  name,
  in: "header",
  required: false,
  description,
  schema: type === "string" ? { type, format: "uuid" } : { type },
});
