import fc from "fast-check";
import type { ChatLog } from "./chatLog.ts";

/** What may happen next, by numbers that pick among what there is: any list of steps makes a valid history. */
export interface Step {
  readonly what:
    | "send"
    | "reply"
    | "edit"
    | "discard"
    | "react"
    | "unreact"
    | "ask"
    | "acknowledge"
    | "due"
    | "mark"
    | "add"
    | "remove"
    | "role"
    | "prefer"
    | "rename"
    | "open"
    | "narrow"
    | "profile"
    | "group";
  readonly pick: number;
  readonly who: number;
}

const often = (weight: number, what: Step["what"]) => ({ weight, arbitrary: fc.constant(what) });

export const anyStep: fc.Arbitrary<Step> = fc.record({
  what: fc.oneof(
    often(8, "send"),
    often(2, "reply"),
    often(2, "edit"),
    often(2, "discard"),
    often(3, "react"),
    often(1, "unreact"),
    often(2, "ask"),
    often(2, "acknowledge"),
    often(1, "due"),
    often(4, "mark"),
    often(2, "add"),
    often(2, "remove"),
    often(1, "role"),
    often(1, "prefer"),
    often(1, "rename"),
    often(1, "open"),
    often(1, "narrow"),
    often(1, "profile"),
    often(1, "group"),
  ),
  pick: fc.nat(1000),
  who: fc.nat(1000),
});

interface Group {
  readonly id: string;
  readonly members: Set<string>;
  readonly messages: {
    id: string;
    author: string;
    deleted: boolean;
    root: boolean;
    reactions: Set<string>;
    /** Absent where nobody asked for acknowledgement. */
    asks?: { acknowledged: Set<string>; due: boolean };
  }[];
  visibility: "joined" | "all";
}

/** Plays steps into a log, skipping those that no command would have allowed. */
export function randomChat(chat: ChatLog, people: readonly string[]) {
  const groups: Group[] = [];
  const pickOf = <T>(from: readonly T[], pick: number): T | undefined => from[pick % Math.max(1, from.length)];

  async function play({ what, pick, who }: Step): Promise<void> {
    if (what === "group" || groups.length === 0) {
      const members = people.filter((_, index) => ((pick >> index) & 1) === 1 || index === who % people.length);
      const [owner, ...others] = members;
      if (!owner || groups.length > 3) return;
      const id = await chat.group(`group ${groups.length}`, owner, others);
      groups.push({ id, members: new Set(members), messages: [], visibility: "joined" });
      return;
    }
    const group = pickOf(groups, pick);
    if (!group) return;
    const { id, members, messages } = group;
    const member = pickOf([...members], who);
    const message = pickOf(messages, pick >> 2);
    const outsider = pickOf(
      people.filter((person) => !members.has(person)),
      who,
    );
    if (what === "add") {
      if (!outsider) return;
      members.add(outsider);
      await chat.add(id, outsider);
      return;
    }
    if (!member) return;
    const emoji = pick % 2 ? "👍" : "🎉";
    switch (what) {
      case "send":
      case "reply": {
        const root = what === "reply" && message?.root && !message.deleted ? message.id : undefined;
        const mentions = pick % 3 === 0 ? [...members].slice(0, 2) : [];
        const sent = await chat.send(id, member, `text ${pick}`, { ...(root ? { threadRoot: root } : {}), mentions });
        messages.push({ id: sent, author: member, deleted: false, root: !root, reactions: new Set() });
        return;
      }
      case "edit":
        if (message && !message.deleted && message.author !== "")
          await chat.edit(id, message.id, `edit ${pick}`, pick % 2 ? [member] : []);
        return;
      case "discard":
        if (!message || message.deleted) return;
        message.deleted = true;
        message.reactions.clear();
        await chat.discard(id, message.id);
        return;
      case "react":
        if (!message || message.deleted || message.reactions.has(member + emoji)) return;
        message.reactions.add(member + emoji);
        await chat.react(id, message.id, member, emoji);
        return;
      case "unreact":
        if (!message?.reactions.delete(member + emoji)) return;
        await chat.unreact(id, message.id, member, emoji);
        return;
      case "ask":
        if (!message || message.deleted || message.asks) return;
        message.asks = { acknowledged: new Set(), due: false };
        await chat.ask(id, message.id, [member]);
        return;
      case "acknowledge": {
        const { asks } = message ?? {};
        if (!message || message.deleted || !asks || asks.acknowledged.has(member)) return;
        asks.acknowledged.add(member);
        await chat.acknowledge(id, message.id, member);
        return;
      }
      case "due": {
        if (!message?.asks || message.deleted || message.asks.due) return;
        message.asks.due = true;
        const notice = await chat.fallDue(id, message.id, [...members], [member]);
        messages.push({ id: notice, author: "", deleted: false, root: true, reactions: new Set() });
        return;
      }
      case "mark":
        await chat.mark(id, member, Math.min(pick % 9, chat.lastSeq(id)));
        return;
      case "remove":
        members.delete(member);
        await chat.remove(id, member);
        return;
      case "role":
        await chat.role(id, member, pick % 2 ? "admin" : "guest");
        return;
      case "prefer":
        await chat.prefer(id, member, pick % 2 ? "mentions" : "none");
        return;
      case "rename":
        await chat.rename(id, `name ${pick}`);
        return;
      case "open":
      case "narrow": {
        const visibility = what === "open" ? "all" : "joined";
        if (group.visibility === visibility) return;
        group.visibility = visibility;
        await chat.open(id, visibility);
        return;
      }
      case "profile":
        await chat.profile(member, `called ${pick}`);
        return;
      default:
        what satisfies never;
    }
  }

  return {
    groups,
    async play(steps: readonly Step[]) {
      for (const step of steps) await play(step);
    },
  };
}
