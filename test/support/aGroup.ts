import { z } from "zod";
import { CreateConversation } from "../../commands/conversation/createConversation.ts";
import { SendMessage } from "../../commands/conversation/sendMessage.ts";
import type { Engine } from "../../commands/engine/engine.ts";
import { type StreamId, streamId } from "../../domain/ids.ts";
import { answered, asks, send } from "./engines.ts";

const Created = z.object({ conversationId: z.string() });

/** A group of an owner and others, as an engine creates it. */
export async function aGroup(
  engine: Engine,
  owner: string,
  members: readonly string[] = [],
): Promise<{ conversationId: string; stream: StreamId }> {
  const payload = { kind: "group" as const, name: "lunch", members: members.map((userId) => ({ userId })) };
  const { conversationId } = Created.parse(answered(await send(engine, CreateConversation, payload, asks(owner))));
  return { conversationId, stream: streamId("main", "conversation", conversationId) };
}

/** A message said in it; gives its id. */
export async function aMessage(
  engine: Engine,
  conversationId: string,
  author: string,
  text = "hello",
): Promise<string> {
  const messageId = crypto.randomUUID();
  answered(await send(engine, SendMessage, { conversationId, messageId, text }, asks(author)));
  return messageId;
}
