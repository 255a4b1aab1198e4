import type { OpenDoor } from "../infra/ports/door.ts";
import { type Json, jsonSchema } from "../infra/ports/jsonSchema.ts";
import { ClientFrame, type CloseCode, close, SUBPROTOCOL } from "./frames.ts";
import { serverFrames } from "./serverFrames.ts";

type ClientType = ClientFrame["type"];
type ServerType = keyof typeof serverFrames;

/** What each frame of a client's is for, and which frames answer it. */
const fromClient: Readonly<Record<ClientType, { readonly summary: string; readonly replies: readonly ServerType[] }>> =
  {
    hello: {
      summary: "The first frame, within 5 s: who one is, and up to where one has everything.",
      replies: ["ready", "reset", "changes", "live"],
    },
    command: { summary: "Does something; commands are described one by one.", replies: ["ack", "reject"] },
    typing: { summary: "One is typing; told to the other members, at most once a second.", replies: [] },
    presence: { summary: "One's own presence.", replies: [] },
    watch: { summary: "Whose presence one wants to know: replaces the former list.", replies: ["presence"] },
    renew: { summary: "A new access token of the same device.", replies: ["renewed"] },
    ping: { summary: "A heartbeat; any frame is one.", replies: ["pong"] },
  };

const fromServer: Readonly<Record<ServerType, string>> = {
  ready: "The token holds; changes up to now follow.",
  reset: "Drop local state: a snapshot follows.",
  changes: "Changes, to be applied in order.",
  cursor: "All before it is included.",
  live: "All up to now was sent; what follows happens now.",
  ack: "A command was committed; with all that the HTTP answer has.",
  reject: "A command was refused; nothing changed.",
  typing: "Somebody is typing, until `expiresAt` or that person's next message.",
  presence: "Somebody's presence, now and on each change.",
  expiring: "The token ends soon: send `renew`.",
  renewed: "The new token counts from now on.",
  pong: "The answer to `ping`.",
};

const ref = (name: string): Json => ({ $ref: `#/components/messages/${name}` });
const inChannel = (name: string): Json => ({ $ref: `#/channels/realtime/messages/${name}` });
const CHANNEL: Json = { $ref: "#/channels/realtime" };

/**
 * The WebSocket protocol as AsyncAPI 3.0, generated from the schemas of its frames and the commands of the doors.
 * Actions are the server's: it receives what clients send.
 */
export function asyncApi(doors: readonly OpenDoor[], version: string): Json {
  const messages: Record<string, Json> = {};
  const operations: Record<string, Json> = {};
  const say = (name: string, title: string, summary: string, payload: Json) => {
    messages[name] = { name, title, summary, contentType: "application/json", payload };
  };
  for (const [type, schema] of Object.entries(serverFrames)) say(type, type, "", jsonSchema(schema, "output"));
  for (const [type, summary] of Object.entries(fromServer)) messages[type] = { ...messages[type], summary };
  for (const schema of ClientFrame.options) {
    const type = schema.shape.type.value;
    const { summary, replies } = fromClient[type];
    const name = `client.${type}`;
    say(name, type, summary, jsonSchema(schema, "input"));
    operations[`receive.${type}`] = operation("receive", name, summary, replies);
  }
  for (const it of doors.filter(({ socket }) => socket)) {
    say(`client.command.${it.name}`, it.name, it.summary, commandFrame(it));
    say(`ack.${it.name}`, `ack of ${it.name}`, "It was committed.", ackFrame(it));
    const answers = [`ack.${it.name}`, "reject"];
    operations[`receive.command.${it.name}`] = operation("receive", `client.command.${it.name}`, it.summary, answers);
  }
  for (const [type, summary] of Object.entries(fromServer))
    operations[`send.${type}`] = operation("send", type, summary, []);
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Scripta, realtime",
      version,
      description: about,
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    defaultContentType: "application/json",
    channels: {
      realtime: {
        address: "/api/v1/realtime",
        title: `WebSocket, subprotocol ${SUBPROTOCOL}`,
        messages: Object.fromEntries(Object.keys(messages).map((name) => [name, ref(name)])),
        bindings: {
          ws: {
            method: "GET",
            headers: {
              type: "object",
              required: ["Sec-WebSocket-Protocol"],
              properties: { "Sec-WebSocket-Protocol": { const: SUBPROTOCOL } },
            },
          },
        },
      },
    },
    operations,
    components: { messages },
  };
}

const operation = (action: "send" | "receive", message: string, summary: string, replies: readonly string[]): Json => ({
  action,
  channel: CHANNEL,
  summary,
  messages: [inChannel(message)],
  ...(replies.length > 0 ? { reply: { channel: CHANNEL, messages: replies.map(inChannel) } } : {}),
});

const ID: Json = {
  type: "string",
  minLength: 1,
  maxLength: 64,
  description: "Correlates; where it is a UUID it is the idempotency key too.",
};

const commandFrame = (it: OpenDoor): Json => ({
  type: "object",
  required: ["type", "id", "name", "payload"],
  additionalProperties: false,
  properties: {
    type: { const: "command" },
    id: ID,
    name: { const: it.name },
    payload: jsonSchema(it.payload, "input"),
  },
});

const ackFrame = (it: OpenDoor): Json => ({
  allOf: [
    {
      type: "object",
      required: ["type", "id"],
      properties: { type: { const: "ack" }, id: { type: "string" } },
    },
    openObject(jsonSchema(it.result, "output")),
  ],
});

/** In one object with what is common to every `ack`. */
const openObject = ({ additionalProperties: _, ...schema }: Json): Json => schema;

const codes: readonly (readonly [CloseCode, string])[] = [
  [close.protocolError, "protocol error: no hello in 5 s, not JSON, binary, unknown type"],
  [close.unauthenticated, "unauthenticated or signed out"],
  [close.notAllowed, "not allowed"],
  [close.tooSlow, "too slow: resume from the cursor"],
  [close.replaced, "replaced: a sixth socket of one device closes its oldest"],
  [close.goingAway, "server going away: resume elsewhere"],
  [close.rateLimited, "rate-limited for long"],
];

const about = [
  `One socket a device, text frames of JSON, subprotocol \`${SUBPROTOCOL}\`. The first frame is \`hello\`; never a token in the URL.`,
  "Close codes:",
  ...codes.map(([code, meaning]) => `- ${code} ${meaning}`),
].join("\n");
