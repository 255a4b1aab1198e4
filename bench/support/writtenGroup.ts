import type { Foundation } from "../../infra/foundation.ts";
import type { SignedIn } from "./people.ts";
import { commander } from "./prepare.ts";

const IN_FLIGHT = 1_024;

/** The text of the nth message, from 1: each is another. */
export const textOf = (nth: number) =>
  `${nth}: the second dose at eight, with a glass of water, and write me how it went`;

/** A group of these people, the first its owner, in which they wrote so many messages in turn. Gives its id. */
export async function writtenGroup(
  foundation: Foundation,
  people: readonly SignedIn[],
  messages: number,
): Promise<string> {
  const perform = commander(foundation);
  const [owner, ...others] = people;
  if (!owner) throw new Error("somebody writes");
  const members = others.map(({ userId }) => ({ userId }));
  const group = { kind: "group", name: `${messages} messages`, members };
  const { conversationId } = await perform("CreateConversation", owner.userId, group);
  let next = 1;
  const send = async () => {
    for (let nth = next++; nth <= messages; nth = next++)
      await perform("SendMessage", people[nth % people.length]?.userId ?? "", {
        conversationId,
        messageId: foundation.engine.newId(),
        kind: "text",
        text: textOf(nth),
      });
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, send));
  return conversationId;
}
