import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv } from "ajv";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { startInProcess } from "../../test/support/inProcess.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
beforeAll(async () => {
  server = await startInProcess();
});
afterAll(() => server.stop());

const Document = z.record(z.string(), z.unknown());
const json = async (path: string) => Document.parse(await (await fetch(server.url + path)).json());

test("/openapi.json is an OpenAPI 3.1 document", async () => {
  const validator = new Validator();
  expect(await validator.validate(await json("/openapi.json"))).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
});

test("/asyncapi.json is an AsyncAPI 3.0 document", async () => {
  const file = createRequire(import.meta.url).resolve("@asyncapi/specs/schemas/3.0.0-without-$id.json");
  const schema = Document.parse(JSON.parse(await readFile(file, "utf8")));
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  validate(await json("/asyncapi.json"));
  expect(validate.errors).toBeNull();
});

test("a route that takes nothing asks for no body, and one that takes something says whether it must come", async () => {
  const Operation = z.object({ requestBody: z.object({ required: z.boolean() }).optional() });
  const { paths } = z.object({ paths: z.record(z.string(), Document) }).parse(await json("/openapi.json"));
  const bodyOf = (method: string, path: string) => Operation.parse(paths[path]?.[method]).requestBody;
  expect(bodyOf("post", "/api/v1/auth/logout")).toBeUndefined();
  expect(bodyOf("delete", "/api/v1/conversations/{conversationId}/members/{userId}")).toBeUndefined();
  expect(bodyOf("post", "/api/v1/conversations")).toEqual({ required: true });
  expect(bodyOf("patch", "/api/v1/me")).toEqual({ required: false });
});

test("every reference within the documents leads somewhere", async () => {
  for (const path of ["/openapi.json", "/asyncapi.json"]) {
    const document = await json(path);
    const dangling = referencesOf(document).filter((reference) => follow(document, reference) === undefined);
    expect(dangling).toEqual([]);
  }
});

test("every command of the socket is in /asyncapi.json, and every route on the page", async () => {
  const { operations } = z.object({ operations: Document }).parse(await json("/asyncapi.json"));
  expect(Object.keys(operations)).toContain("receive.command.SendMessage");
  const { paths } = z.object({ paths: z.record(z.string(), Document) }).parse(await json("/openapi.json"));
  const names = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map((operation) => z.object({ operationId: z.string() }).parse(operation).operationId),
  );
  const page = await (await fetch(`${server.url}/docs`)).text();
  expect(names.length).toBeGreaterThan(30);
  expect(names.filter((name) => !page.includes(`<article id="${name}">`))).toEqual([]);
});

test("every read says that it can wait for a position, in header or query", async () => {
  const Parameters = z.object({ parameters: z.array(z.object({ name: z.string(), in: z.string() })) });
  const { paths } = z.object({ paths: z.record(z.string(), Document) }).parse(await json("/openapi.json"));
  const reads = Object.values(paths).flatMap(({ get }) => (get === undefined ? [] : [Parameters.parse(get)]));
  expect(reads.length).toBeGreaterThan(10);
  for (const { parameters } of reads) {
    const places = parameters.filter(({ name }) => /^(scripta-)?min-?position$/i.test(name));
    expect(places.map((place) => place.in).sort()).toEqual(["header", "query"]);
  }
});

test("the page runs nothing and loads nothing", async () => {
  const response = await fetch(`${server.url}/docs`);
  expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(await response.text()).not.toMatch(/<script|<img|<link|@import|url\(/i);
});

function referencesOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "$ref" && typeof inner === "string" ? [inner] : referencesOf(inner),
  );
}

function follow(document: unknown, reference: string): unknown {
  let found: unknown = document;
  for (const step of reference.replace(/^#\//, "").split("/")) {
    const entries: [string, unknown][] = typeof found === "object" && found !== null ? Object.entries(found) : [];
    found = entries.find(([key]) => key === step.replace(/~1/g, "/").replace(/~0/g, "~"))?.[1];
  }
  return found;
}
