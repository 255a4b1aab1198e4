import { expect, test } from "vitest";
import { ada, cy, deleted, edited, gus, messageId, reacted, replyId, said } from "../../test/support/lunch.ts";
import { placed } from "../event.ts";
import { type ConversationEvent, ReactionRemoved } from "./events.ts";
import { foldMessage, reactionKey } from "./message.ts";

/** The message as these events made it; the first stands at revision 6. */
const fold = (...events: readonly ConversationEvent[]) =>
  foldMessage(events.map((event, index) => placed<ConversationEvent>(event, 6 + index)));
const unreacted = (userId: string, emoji = "👍") => ReactionRemoved({ target: messageId, seq: 1, emoji, userId });

test("of nothing there is no message, nor of what came to one that was never sent", () => {
  expect(fold()).toBeUndefined();
  expect(fold(edited("at six"), deleted())).toBeUndefined();
});

test("a message is as it was sent", () =>
  expect(fold(said({ threadRoot: replyId, mentions: [ada] }))).toMatchObject({
    sentAt: 6,
    seq: 1,
    authorId: cy,
    kind: "text",
    threadRoot: replyId,
    mentions: [ada],
    textAt: 6,
    edited: false,
    deletedAt: undefined,
  }));

test("the last edit gives the text and the mentions", () =>
  expect(fold(said({ mentions: [ada] }), edited("at six", { mentions: [gus] }), edited("at seven"))).toMatchObject({
    sentAt: 6,
    textAt: 8,
    edited: true,
    mentions: [],
  }));

test("reactions stand in the order of their first appearance, with when each person gave them", () => {
  const message = fold(said(), reacted(ada, "🎉"), reacted(cy), reacted(gus, "🎉"));
  expect([...(message?.reactions ?? [])]).toEqual([
    [
      "🎉",
      new Map([
        [ada, 7],
        [gus, 9],
      ]),
    ],
    ["👍", new Map([[cy, 8]])],
  ]);
});

test("a reaction that the last person took back is no kind of the message any more", () => {
  const message = fold(said(), reacted(ada), reacted(cy), unreacted(ada), unreacted(cy));
  expect(message?.reactions).toEqual(new Map());
  expect(message?.unreacted).toEqual(
    new Map([
      [reactionKey("👍", ada), 9],
      [reactionKey("👍", cy), 10],
    ]),
  );
});

test("deleting takes the reactions with it", () => {
  const message = fold(said(), reacted(ada), deleted());
  expect(message).toMatchObject({ deletedAt: 8, textAt: 6 });
  expect(message?.reactions).toEqual(new Map());
});
