import type { CommandName } from "../../../clients/sdk/contract.ts";
import type { Attempt } from "../checker/history.ts";
import type { Random } from "../harness/randomFrom.ts";

/** What somebody does next: a command with the id that it keeps however often it is sent. */
export interface Step {
  readonly name: CommandName;
  readonly payload: object;
  readonly id: string;
}

interface Place {
  readonly id: string;
  /** Who is believed to be in it; a belief that is wrong makes a refusal. */
  readonly members: Set<string>;
  readonly messages: { readonly id: string; readonly author: string; readonly root: boolean }[];
}

const weights = {
  send: 40,
  reply: 6,
  edit: 9,
  delete: 4,
  react: 8,
  unreact: 3,
  read: 8,
  delivered: 3,
  add: 4,
  remove: 3,
  leave: 1,
  role: 2,
  rename: 2,
  visibility: 1,
  prefer: 1,
  profile: 2,
  group: 1,
} as const;
const kinds = Object.entries(weights).flatMap(([kind, weight]) => Array.from({ length: weight }, () => kind));
const MOST_GROUPS = 8;
/** Messages that are still written about: the newest. */
const TOUCHED = 60;

/** The people and conversations that steps are drawn about. Everybody is in the lobby, and stays. */
export class Town {
  readonly #people: readonly string[];
  readonly places: Place[] = [];
  lobby = "";

  constructor(people: readonly string[]) {
    this.#people = people;
  }

  /** What somebody does; refusals are part of life. */
  draw(random: Random, userId: string, id: string): Step {
    const kind = random.pick(kinds);
    const own = this.places.filter(({ members }) => members.has(userId));
    const place = random.below(20) === 0 || own.length === 0 ? random.pick(this.places) : random.pick(own);
    const conversationId = place.id;
    const message = place.messages.at(-1 - random.below(Math.min(TOUCHED, place.messages.length)));
    const messageId = message?.id ?? id;
    const other = random.pick(this.#people);
    const number = random.below(1_000_000);
    const emoji = random.pick(["👍", "🎉", "❤️"]);
    const stays = conversationId === this.lobby;
    const about = (name: CommandName, more: object): Step => ({ name, payload: { conversationId, ...more }, id });
    const send = (more: object) => {
      const text = `text ${number} of ${kind}`;
      return about("SendMessage", { messageId: id, kind: "text", text, ...more });
    };
    switch (kind) {
      case "reply":
        return send(message?.root ? { threadRoot: message.id } : { mentions: [other] });
      case "edit":
        return about("EditMessage", { messageId, text: `edit ${number}` });
      case "delete":
        return about("DeleteMessage", { messageId });
      case "react":
        return about("AddReaction", { messageId, emoji });
      case "unreact":
        return about("RemoveReaction", { messageId, emoji });
      case "read":
        return about("MarkRead", { seq: random.below(place.messages.length + 1) });
      case "delivered":
        return about("MarkDelivered", { seq: random.below(place.messages.length + 1) });
      case "add":
        return about("AddMember", { userId: other });
      case "remove":
        return stays ? send({}) : about("RemoveMember", { userId: other });
      case "leave":
        return stays ? send({}) : about("RemoveMember", { userId });
      case "role":
        return stays
          ? send({})
          : about("ChangeMemberRole", { userId: other, role: random.pick(["admin", "member", "guest"]) });
      case "rename":
        return about("UpdateConversation", { name: `name ${number}` });
      case "visibility":
        return about("UpdateConversation", { settings: { historyVisibility: random.pick(["all", "joined"]) } });
      case "prefer":
        return about("SetConversationPreferences", {
          notify: random.pick(["all", "mentions", "none"]),
          mutedUntil: null,
        });
      case "profile":
        return { name: "UpdateProfile", payload: { displayName: `called ${number}` }, id };
      case "group":
        if (this.places.length >= MOST_GROUPS) return send({});
        return {
          name: "CreateConversation",
          payload: { kind: "group", name: `group ${number}`, members: [{ userId: other }] },
          id,
        };
      default:
        return send({});
    }
  }

  /** What an answer teaches. */
  learn({ name, payload, id }: Step, { outcome, conversationId, userId, otherId }: Attempt): void {
    const place = this.places.find((one) => one.id === conversationId);
    // A message may be there without an answer; whoever writes about it is told.
    if (name === "SendMessage" && outcome !== "failed")
      place?.messages.push({ id, author: userId, root: !("threadRoot" in payload) });
    if (outcome !== "ok") return;
    if (name === "CreateConversation" && conversationId && !place) {
      const [member] = "members" in payload && Array.isArray(payload.members) ? payload.members : [];
      this.places.push({ id: conversationId, members: new Set([userId, String(member?.userId)]), messages: [] });
    }
    if (name === "AddMember" && otherId) place?.members.add(otherId);
    if (name === "RemoveMember" && otherId) place?.members.delete(otherId);
  }
}
