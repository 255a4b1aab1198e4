import type { Actor } from "./actor.ts";
import { insist } from "./actor.ts";
import type { Random } from "./randomFrom.ts";

/** A group of these people, the first its owner. */
export async function tableOf(people: readonly Actor[], random: Random, name = "Tea"): Promise<string> {
  const [owner, ...others] = people;
  if (!owner) throw new Error("nobody is here");
  const group = { kind: "group", name, members: others.map(({ userId }) => ({ userId })) };
  const { conversationId } = await insist(() => owner.command("CreateConversation", group, random.uuid()), 20_000);
  if (!conversationId) throw new Error("no conversation");
  return conversationId;
}

/** One attempt at a new message. */
export function say(who: Actor, conversationId: string, text: string, random: Random) {
  const messageId = random.uuid();
  return who.command("SendMessage", { conversationId, messageId, kind: "text", text }, messageId);
}
