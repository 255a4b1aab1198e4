import type { OpenDoor, RateLimit } from "../ports/door.ts";
import { type Json, jsonSchema } from "../ports/jsonSchema.ts";
import { problems } from "./problem.ts";
import { STYLE } from "./referenceStyle.ts";
import { routeOf } from "./route.ts";
import { exampleOf, type Field, fieldsOf } from "./schemaFields.ts";

/** The first group whose pattern a path matches is where its route stands. */
const groups: readonly (readonly [title: string, paths: RegExp])[] = [
  ["Signing in", /^\/api\/v1\/auth\//],
  ["Oneself", /^\/api\/v1\/me\b/],
  ["People", /^\/api\/v1\/users\b/],
  ["Messages", /^\/api\/v1\/conversations\/:conversationId\/messages\b/],
  ["Marks and preferences", /^\/api\/v1\/conversations\/:conversationId\/(read|delivered|preferences)$/],
  ["Members", /^\/api\/v1\/conversations\/:conversationId\/members\b/],
  ["Conversations", /^\/api\/v1\/conversations\b/],
  ["Sync", /^\/api\/v1\/sync\b/],
  ["Administration", /^\/api\/v1\/admin\b/],
  ["Others", /^\//],
];

const limits: Readonly<Record<RateLimit, string>> = {
  sends: "At most 20 a second, 100 at once.",
  search: "At most 5 a second.",
  uploads: "At most 10 a minute.",
  "sign-in": "At most 10 a minute from one address.",
};

/** The contract as one page for people: no scripts, nothing from elsewhere. */
export function referencePage(doors: readonly OpenDoor[], version: string): string {
  const grouped = groups
    .map(([title]) => ({ title, doors: doors.filter((it) => groupOf(it) === title) }))
    .filter((group) => group.doors.length > 0);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Scripta: the API</title>
<style>${STYLE}</style>
<nav aria-label="Routes">
<a href="#top"><strong>Scripta</strong></a>
${grouped.map(({ title, doors }) => `<h2>${title}</h2>\n<ul>${doors.map(navigation).join("")}</ul>`).join("\n")}
<h2>More</h2>
<ul><li><a href="#errors">Errors</a></li><li><a href="/openapi.json">OpenAPI 3.1</a></li><li><a href="/asyncapi.json">AsyncAPI 3.0</a></li></ul>
</nav>
<main id="top">
<h1>Scripta <small>API, version ${escaped(version)}</small></h1>
${conventions}
${grouped.map(({ title, doors }) => `<section><h2>${title}</h2>\n${doors.map(article).join("\n")}</section>`).join("\n")}
${errors()}
</main>
</html>
`;
}

const conventions = `<p>JSON over HTTP, and the same commands over a WebSocket. Sign in, then send <code>Authorization: Bearer &lt;accessToken&gt;</code>; never a token in a URL.</p>
<p>A change answers its <code>position</code> in the log; give it as <code>Scripta-Min-Position</code> to any GET to read your own write. A change may carry <code>Idempotency-Key: &lt;uuid&gt;</code>: the same request again is answered alike and done once.</p>
<p>Unknown fields are refused. Ids are UUIDs, times RFC 3339 in UTC; messages are ordered by <code>seq</code>. A field with <sup>*</sup> is required.</p>`;

function groupOf(it: OpenDoor): string {
  const { path } = routeOf(it);
  return groups.find(([, paths]) => paths.test(path))?.[0] ?? "";
}

const navigation = ({ name }: OpenDoor): string => `<li><a href="#${name}">${wordsOf(name)}</a></li>`;

/** `SendMessage` as `Send message`. */
const wordsOf = (name: string): string => name.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function article(it: OpenDoor): string {
  const { method, path } = routeOf(it);
  const asked = jsonSchema(it.payload, "input");
  const answered = it.status === 204 || it.file ? undefined : jsonSchema(it.result, "output");
  const inPath = new Set([...path.matchAll(/:(\w+)/g)].map(([, name]) => name));
  const request = fieldsOf(asked);
  const others = request.filter(({ name }) => !inPath.has(name));
  const place = method === "GET" ? "Query" : "Body";
  return `<article id="${it.name}">
<h3>${wordsOf(it.name)}</h3>
<p>${escaped(it.summary)}</p>
<div class="route"><span class="method ${method}">${method}</span><code>${pathOf(path)}</code></div>
<p class="facts">${factsOf(it).map(escaped).join(" ")}</p>
${fieldTable(
  "Path",
  request.filter(({ name }) => inPath.has(name)),
)}
${fieldTable(place, others)}
${method === "GET" || others.length === 0 ? "" : example("Example body", bodyExample(asked, inPath))}
<h4>Answer: ${it.status}</h4>
${answered === undefined ? `<p>${it.file ? `A file: ${escaped(it.file)}.` : "Nothing."}</p>` : folded("Fields", table(fieldsOf(answered))) + example("Example answer", exampleOf(answered))}
</article>`;
}

function factsOf(it: OpenDoor): string[] {
  const access =
    it.access === "anyone"
      ? "Needs no token."
      : it.access === "signed-in"
        ? "Needs an access token."
        : `Needs one of the roles ${it.access.join(", ")}.`;
  return [
    access,
    ...(it.limit ? [limits[it.limit]] : []),
    ...(it.socket ? [`Also the WebSocket command ${it.name}.`] : []),
  ];
}

function bodyExample(schema: Json, inPath: ReadonlySet<string | undefined>): unknown {
  const whole = exampleOf(schema, true);
  if (typeof whole !== "object" || whole === null) return whole;
  return Object.fromEntries(Object.entries(whole).filter(([name]) => !inPath.has(name) && name !== "ifMatch"));
}

const pathOf = (path: string): string => escaped(path).replace(/:(\w+)/g, "<i>{$1}</i>");

const fieldTable = (title: string, fields: readonly Field[]): string =>
  fields.length === 0 ? "" : `<h4>${title}</h4>\n${table(fields)}`;

const table = (fields: readonly Field[]): string =>
  fields.length === 0 ? "<p>No fields.</p>" : `<table><tbody>${fields.map(row).join("")}</tbody></table>`;

const row = ({ name, type, required, about, fields }: Field): string =>
  `<tr><td>${escaped(name)}${required ? "<sup>*</sup>" : ""}</td><td>${escaped(type)}</td><td>${escaped(about)}${
    fields.length > 0 ? folded("Fields", table(fields)) : ""
  }</td></tr>`;

const folded = (title: string, content: string): string => `<details><summary>${title}</summary>${content}</details>`;

const example = (title: string, value: unknown): string =>
  folded(title, `<pre>${escaped(JSON.stringify(value, null, 2))}</pre>`);

function errors(): string {
  const rows = Object.entries(problems).map(
    ([code, { status, title }]) => `<tr><td>${code}</td><td>${status}</td><td>${escaped(title)}</td></tr>`,
  );
  const sample = {
    type: "urn:scripta:problem:conflict",
    title: problems.conflict.title,
    status: problems.conflict.status,
    code: "conflict",
    detail: "the message was edited meanwhile",
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  };
  return `<section id="errors"><h2>Errors</h2>
<p>Every refusal is <code>application/problem+json</code> (RFC 9457) with one of these codes, and a <code>traceId</code> that the server's log knows too. What is not there and what one may not know of read alike.</p>
<table><tbody>${rows.join("")}</tbody></table>
<pre>${escaped(JSON.stringify(sample, null, 2))}</pre></section>`;
}

const escaped = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
