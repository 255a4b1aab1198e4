import type { Committed } from "../projections/projector.ts";
import type { Audience } from "./audience.ts";
import { type Change, type ChangeSource, messageKey, personKey } from "./changeSource.ts";
import type { Connection } from "./connection.ts";
import { apart, encodeFrame } from "./frames.ts";
import { sortBatch, type Touched, type TouchedUsers } from "./touched.ts";

/** Beyond this many members a conversation's receipts are counts on demand, and not sent to all. */
const RECEIPTS_UP_TO_MEMBERS = 64;

export interface FanOutParts {
  readonly source: ChangeSource;
  readonly audience: Audience;
  /** The connected sockets of a person. */
  readonly sockets: (
    person: string,
  ) => Iterable<Pick<Connection, "deliver" | "knows" | "introduce" | "forget" | "identity">>;
}

/** Turns each commit of the read models into frames for the sockets of whoever may see them. */
export class FanOut {
  readonly #parts: FanOutParts;

  constructor(parts: FanOutParts) {
    this.#parts = parts;
  }

  /** To be called one batch after the other. Gives whom of the connected it brought into a conversation. */
  async spread({ events }: Committed): Promise<ReadonlySet<string>> {
    const { conversations, users } = sortBatch(events, this.#parts.audience);
    const messages = await this.#readMessages(conversations);
    for (const touched of conversations) await this.#spreadConversation(touched, messages);
    await this.#spreadUsers(users);
    return new Set(
      conversations.flatMap(({ came }) => [...came].flatMap(([person, what]) => (what === "left" ? [] : [person]))),
    );
  }

  /** The messages of a batch, once for all: new ones from their events, those that were touched since from the rows. */
  async #readMessages(conversations: readonly Touched[]): Promise<ReadonlyMap<string, Change>> {
    const { source } = this.#parts;
    const messages = new Map<string, Change>();
    const fresh = conversations.flatMap(({ sent, amended }) => sent.filter(({ data }) => !amended.has(data.target)));
    for (const [index, change] of (await source.sent(fresh)).entries()) {
      const event = fresh[index];
      if (event) messages.set(messageKey({ conversationId: event.of, messageId: event.data.target }), change);
    }
    for (const [tenant, touched] of Map.groupBy(conversations, (one) => one.tenant)) {
      const keys = touched.flatMap(({ conversationId, amended }) =>
        [...amended].map((messageId) => ({ conversationId, messageId })),
      );
      if (keys.length === 0) continue;
      for (const [key, change] of await source.messages(tenant, keys)) messages.set(key, change);
    }
    return messages;
  }

  async #spreadConversation(touched: Touched, messages: ReadonlyMap<string, Change>): Promise<void> {
    const { audience, source } = this.#parts;
    const { tenant, conversationId, position } = touched;
    for (const [person, what] of touched.came)
      if (what !== "joined") this.#give([person], { op: "left", conversationId }, position);
    const newcomers = [...touched.came].filter(([, what]) => what !== "left").map(([person]) => person);
    for (const person of newcomers) await this.#sendAnew(person, touched);
    const members = audience.of(tenant, conversationId).filter((person) => !touched.came.has(person));
    if (members.length === 0) return;

    if (touched.historyVisibility) await this.#spreadHistoryVisibility(touched, members);
    else if (touched.conversation) {
      const changes = await source.conversations(tenant, this.#keys(conversationId, members));
      for (const person of members) {
        const change = changes.get(keyOf(conversationId, person));
        this.#give([person], change && (await this.#asOf(touched, person, change)), position);
      }
    }
    await this.#spreadMembers(touched, members);
    await this.#spreadMessages(touched, members, messages);
    await this.#spreadReceipts(touched, members);
    await this.#spreadPersonal(touched, members);
  }

  /**
   * The rows may know later messages already. A client counts those above the last that it was told of, so it is told
   * of none before it comes, and none is among its unread ones.
   */
  async #asOf(
    touched: Pick<Touched, "tenant" | "conversationId" | "sent">,
    person: string,
    change: Change,
  ): Promise<Change> {
    const { conversation } = change;
    const { tenant, conversationId } = touched;
    if (typeof conversation !== "object") return change;
    const last = this.#lastTold(touched);
    if ((numberIn(conversation, "lastSeq") ?? last) <= last) return change;
    const userId = idOf(person);
    const counted = (await this.#parts.source.unread(tenant, conversationId, [userId], last)).get(userId);
    const numbers = counted && { unread: counted.unread, mentions: counted.mentions };
    return { ...change, conversation: { ...conversation, lastSeq: last, ...numbers } };
  }

  /** The last message that came before those of this batch. */
  #lastTold({ tenant, conversationId, sent }: Pick<Touched, "tenant" | "conversationId" | "sent">): number {
    const next = sent[0]?.data.seq;
    return next === undefined ? this.#parts.audience.lastSeq(tenant, conversationId) : next - 1;
  }

  /** The conversation as a snapshot holds it, for whoever is new in it; later messages come by themselves. */
  async #sendAnew(person: string, { tenant, conversationId, position }: Touched): Promise<void> {
    const { source, audience } = this.#parts;
    const userId = idOf(person);
    const [changes, { conversations }] = await Promise.all([
      source.anew(tenant, { conversationId, userId }, audience.lastSeq(tenant, conversationId)),
      source.belongings(tenant, userId),
    ]);
    const belonging = conversations.find((known) => known.conversationId === conversationId);
    if (belonging) audience.correct(person, tenant, belonging);
    if (changes.length > 0 && audience.isMember(person, tenant, conversationId))
      this.#giveAll([person], changes, position);
  }

  /** Where somebody's first message moved up, the conversation is dropped and sent anew; else it is only told. */
  async #spreadHistoryVisibility(touched: Touched, members: readonly string[]): Promise<void> {
    const { tenant, conversationId, position } = touched;
    for (const person of members) {
      const key = { conversationId, userId: idOf(person) };
      const changes = await this.#parts.source.anew(tenant, key, this.#lastTold(touched));
      const rises = changes.some((change) => firstSeqOf(change.conversation) > 1);
      this.#giveAll([person], rises ? [{ op: "left", conversationId }, ...changes] : changes.slice(0, 1), position);
    }
  }

  async #spreadMembers({ tenant, conversationId, members, position }: Touched, to: readonly string[]): Promise<void> {
    if (members.size === 0) return;
    const keys = [...members].map((userId) => ({ conversationId, userId }));
    const [changes, users] = await Promise.all([
      this.#parts.source.members(tenant, keys),
      this.#parts.source.users(tenant, [...members]),
    ]);
    for (const key of keys) this.#introduce(to, users.get(key.userId), key.userId, position);
    const found = keys.flatMap((key) => changes.get(personKey(key)) ?? []);
    this.#giveMembers(to, found, { tenant, conversationId, position });
  }

  async #spreadMessages(
    { tenant, conversationId, sent, amended, position }: Touched,
    members: readonly string[],
    messages: ReadonlyMap<string, Change>,
  ): Promise<void> {
    const { source, audience } = this.#parts;
    const changeOf = (messageId: string) => messages.get(messageKey({ conversationId, messageId })) ?? [];
    await this.#introduceAuthors(new Set(sent.map(({ data }) => data.authorId)), members, tenant, position, source);
    const isNew = new Set(sent.map(({ data }) => data.target));
    for (const change of [...amended].filter((id) => !isNew.has(id)).flatMap(changeOf)) {
      const seeing = new Set(audience.of(tenant, conversationId, seqOf(change)));
      this.#giveAll(
        members.filter((person) => seeing.has(person)),
        [change],
        position,
      );
    }
    // What is new is seen by every member: one frame for all of it.
    this.#giveAll(
      members,
      sent.flatMap(({ data }) => changeOf(data.target)),
      position,
    );
  }

  async #introduceAuthors(
    authors: ReadonlySet<string>,
    members: readonly string[],
    tenant: string,
    position: number,
    source: ChangeSource,
  ): Promise<void> {
    const strangers = [...authors].filter((userId) => members.some((person) => this.#isStranger(person, userId)));
    if (strangers.length === 0) return;
    const users = await source.users(tenant, strangers);
    for (const userId of strangers) this.#introduce(members, users.get(userId), userId, position);
  }

  async #spreadReceipts(touched: Touched, members: readonly string[]): Promise<void> {
    const { tenant, conversationId, receipts, position } = touched;
    if (receipts.size === 0) return;
    const { audience } = this.#parts;
    const toAll = audience.memberCount(tenant, conversationId) <= RECEIPTS_UP_TO_MEMBERS;
    const keys = [...receipts]
      .filter((userId) => toAll || audience.isMember(`${tenant}/${userId}`, tenant, conversationId))
      .map((userId) => ({ conversationId, userId }));
    if (keys.length === 0) return;
    const changes = await this.#parts.source.receipts(tenant, keys);
    if (toAll) return this.#giveAll(members, [...changes.values()], position);
    for (const key of keys) this.#give([`${tenant}/${key.userId}`], changes.get(personKey(key)), position);
  }

  async #spreadPersonal(touched: Touched, members: readonly string[]): Promise<void> {
    const { tenant, conversationId, preferences, unreadOf, unreadOfAll, position } = touched;
    const { source } = this.#parts;
    const own = members.filter((person) => preferences.has(idOf(person)));
    if (own.length > 0) {
      const changes = await source.preferences(tenant, this.#keys(conversationId, own));
      for (const person of own) this.#give([person], changes.get(keyOf(conversationId, person)), position);
    }
    const counted = unreadOfAll ? members : members.filter((person) => unreadOf.has(idOf(person)));
    if (counted.length > 0) {
      const upTo = this.#parts.audience.lastSeq(tenant, conversationId);
      const unread = await source.unread(tenant, conversationId, counted.map(idOf), upTo);
      for (const person of counted) this.#give([person], unread.get(idOf(person)), position);
    }
    if (!unreadOfAll) this.#spreadUnreadOfAuthors(touched, members);
  }

  /** Sending reads up to one's own message, so what is unread after it is what others sent after it. */
  #spreadUnreadOfAuthors({ conversationId, sent, unreadOf, position }: Touched, members: readonly string[]): void {
    const lastOwn = new Map(sent.map(({ data }) => [data.authorId, data.seq]));
    for (const person of members) {
      const userId = idOf(person);
      const own = lastOwn.get(userId);
      if (own === undefined || unreadOf.has(userId)) continue;
      const after = sent.filter(({ data }) => data.seq > own);
      const mentions = after.filter(({ data }) => data.mentions?.includes(userId)).length;
      this.#give([person], { op: "unread", conversationId, unread: after.length, mentions }, position);
    }
  }

  async #spreadUsers({ profiles, me, standings }: TouchedUsers): Promise<void> {
    const { source, audience } = this.#parts;
    for (const standing of standings.values()) await this.#spreadStanding(standing);
    for (const [person, { tenant, userId, position }] of me) {
      if (!audience.knows(person)) continue;
      this.#give([person], (await source.me(tenant, [userId])).get(userId), position);
    }
    for (const [person, { tenant, userId, position }] of profiles) {
      const change = (await source.users(tenant, [userId])).get(userId);
      const seenBy = new Set<string>([person]);
      for (const conversationId of await source.conversationsEver(tenant, userId))
        for (const member of audience.of(tenant, conversationId)) seenBy.add(member);
      this.#give(
        [...seenBy].filter((known) => audience.knows(known)),
        change,
        position,
      );
      for (const other of audience.everybody())
        if (!seenBy.has(other)) for (const socket of this.#parts.sockets(other)) socket.forget(userId);
    }
  }

  /** A guest everywhere, or no longer: told to all who are with that person somewhere, and to that person. */
  async #spreadStanding({ tenant, userId, position }: { tenant: string; userId: string; position: number }) {
    const { source, audience } = this.#parts;
    const person = `${tenant}/${userId}`;
    for (const conversationId of await source.conversationsEver(tenant, userId)) {
      const members = audience.of(tenant, conversationId);
      const key = { conversationId, userId };
      const change = members.length === 0 ? undefined : (await source.members(tenant, [key])).get(personKey(key));
      if (!change || isGone(change)) continue;
      const touched = { tenant, conversationId, sent: [] };
      const own = members.includes(person)
        ? (await source.conversations(tenant, [key])).get(personKey(key))
        : undefined;
      this.#give([person], own && (await this.#asOf(touched, person, own)), position);
      this.#introduce(members, (await source.users(tenant, [userId])).get(userId), userId, position);
      this.#giveMembers(members, [change], { tenant, conversationId, position });
    }
  }

  #giveMembers(
    to: readonly string[],
    changes: readonly Change[],
    { tenant, conversationId, position }: Pick<Touched, "tenant" | "conversationId" | "position">,
  ): void {
    const { true: guests = [], false: others = [] } = Object.groupBy(to, (person) =>
      this.#isGuest(person, tenant, conversationId) ? "true" : "false",
    );
    this.#giveAll(others, changes, position);
    this.#giveAll(guests, changes.map(forGuests), position);
  }

  #isGuest(person: string, tenant: string, conversationId: string): boolean {
    if (this.#parts.audience.isGuest(person, tenant, conversationId)) return true;
    for (const socket of this.#parts.sockets(person)) if (socket.identity?.guest) return true;
    return false;
  }

  #isStranger(person: string, userId: string): boolean {
    for (const socket of this.#parts.sockets(person)) if (!socket.knows(userId)) return true;
    return false;
  }

  /** A person's `user` change, to the sockets that have not had it. */
  #introduce(to: readonly string[], change: Change | undefined, userId: string, position: number): void {
    if (!change) return;
    const frame = encodeFrame({ type: "changes", position, changes: [change] });
    for (const person of to)
      for (const socket of this.#parts.sockets(person))
        if (socket.introduce(userId)) socket.deliver(frame, position, 1);
  }

  #give(to: readonly string[], change: Change | undefined, position: number): void {
    if (change) this.#giveAll(to, [change], position);
  }

  /** Each frame, encoded once, to every socket of these people. */
  #giveAll(to: readonly string[], given: readonly Change[], position: number): void {
    if (to.length === 0) return;
    for (const changes of apart(given)) {
      const frame = encodeFrame({ type: "changes", position, changes });
      for (const person of to)
        for (const socket of this.#parts.sockets(person)) socket.deliver(frame, position, changes.length);
    }
  }

  #keys = (conversationId: string, people: readonly string[]) =>
    people.map((person) => ({ conversationId, userId: idOf(person) }));
}

const isGone = ({ member }: Change): boolean =>
  typeof member === "object" && member !== null && "leftAt" in member && member.leftAt !== null;

/** Guests see of members who they are, what they may, and that they are gone. */
function forGuests(change: Change): Change {
  const { member } = change;
  return typeof member === "object" ? { ...change, member: { ...member, joinedAt: null } } : change;
}

const idOf = (person: string): string => person.slice(person.indexOf("/") + 1);
const keyOf = (conversationId: string, person: string): string => personKey({ conversationId, userId: idOf(person) });

const numberIn = (value: unknown, field: string): number | undefined =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, found]) => (key === field && typeof found === "number" ? [found] : []))[0]
    : undefined;

const seqOf = (change: Change): number => numberIn(change.message, "seq") ?? 0;
const firstSeqOf = (conversation: unknown): number => numberIn(conversation, "firstSeq") ?? 1;
