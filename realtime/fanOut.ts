import type { Committed } from "../projections/projector.ts";
import type { Audience } from "./audience.ts";
import { type Change, type ChangeSource, messageKey, personKey } from "./changeSource.ts";
import type { Connection } from "./connection.ts";
import { encodeFrame } from "./frames.ts";
import { sortBatch, type Touched, type TouchedUsers } from "./touched.ts";

/** Beyond this many members a conversation's receipts are counts on demand, and not sent to all. */
const RECEIPTS_UP_TO_MEMBERS = 64;

export interface FanOutParts {
  readonly source: ChangeSource;
  readonly audience: Audience;
  /** The connected sockets of a person. */
  readonly sockets: (person: string) => Iterable<Connection>;
}

/** Turns each commit of the read models into frames for the sockets of whoever may see them. */
export class FanOut {
  readonly #parts: FanOutParts;

  constructor(parts: FanOutParts) {
    this.#parts = parts;
  }

  /** To be called one batch after the other. */
  async spread({ events }: Committed): Promise<void> {
    const { conversations, users } = sortBatch(events, this.#parts.audience);
    for (const touched of conversations) await this.#spreadConversation(touched);
    await this.#spreadUsers(users);
  }

  async #spreadConversation(touched: Touched): Promise<void> {
    const { audience, source } = this.#parts;
    const { tenant, conversationId, position } = touched;
    for (const [person, what] of touched.came)
      if (what === "left") this.#give([person], { op: "left", conversationId }, position);
    const newcomers = [...touched.came].filter(([, what]) => what === "joined").map(([person]) => person);
    for (const person of newcomers) await this.#sendAnew(person, touched);
    const members = audience.of(tenant, conversationId).filter((person) => !newcomers.includes(person));
    if (members.length === 0) return;

    if (touched.historyVisibility) await this.#spreadHistoryVisibility(touched, members);
    else if (touched.conversation) {
      const changes = await source.conversations(tenant, this.#keys(conversationId, members));
      for (const person of members) this.#give([person], changes.get(keyOf(conversationId, person)), position);
    }
    await this.#spreadMembers(touched, members);
    await this.#spreadMessages(touched, members);
    await this.#spreadReceipts(touched, members);
    await this.#spreadPersonal(touched, members);
  }

  /** The conversation as a snapshot holds it, for whoever is new in it. */
  async #sendAnew(person: string, { tenant, conversationId, position }: Touched): Promise<void> {
    const { source, audience } = this.#parts;
    const userId = idOf(person);
    const [changes, { conversations }] = await Promise.all([
      source.anew(tenant, { conversationId, userId }),
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
      const changes = await this.#parts.source.anew(tenant, { conversationId, userId: idOf(person) });
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
    this.#giveAll(
      to,
      keys.flatMap((key) => changes.get(personKey(key)) ?? []),
      position,
    );
  }

  async #spreadMessages(touched: Touched, members: readonly string[]): Promise<void> {
    const { tenant, conversationId, messages, roots, position } = touched;
    if (messages.size + roots.size === 0) return;
    const { source, audience } = this.#parts;
    const ids = new Set([...messages.keys(), ...roots]);
    const changes = await source.messages(
      tenant,
      [...ids].map((messageId) => ({ conversationId, messageId })),
    );
    const authors = new Set(touched.sent.map(({ authorId }) => authorId));
    const strangers = [...authors].filter((userId) => members.some((person) => this.#isStranger(person, userId)));
    const users = strangers.length > 0 ? await source.users(tenant, strangers) : new Map<string, Change>();
    for (const userId of strangers) this.#introduce(members, users.get(userId), userId, position);
    const ordered = [...ids].flatMap((messageId) => changes.get(messageKey({ conversationId, messageId })) ?? []);
    const newFrom = Math.min(...touched.sent.map(({ seq }) => seq), Number.POSITIVE_INFINITY);
    const fresh = ordered.filter((change) => seqOf(change) >= newFrom).sort((one, other) => seqOf(one) - seqOf(other));
    for (const change of ordered.filter((known) => seqOf(known) < newFrom))
      this.#giveAll(
        audience.of(tenant, conversationId, seqOf(change)).filter((person) => members.includes(person)),
        [change],
        position,
      );
    // What is new is seen by every member: one frame for all of it.
    this.#giveAll(members, fresh, position);
  }

  async #spreadReceipts(touched: Touched, members: readonly string[]): Promise<void> {
    const { tenant, conversationId, receipts, position } = touched;
    if (receipts.size === 0) return;
    const toAll = this.#parts.audience.memberCount(tenant, conversationId) <= RECEIPTS_UP_TO_MEMBERS;
    const keys = [...receipts]
      .filter((userId) => toAll || members.includes(`${tenant}/${userId}`))
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
    if (counted.length === 0) return;
    const unread = await source.unread(tenant, this.#keys(conversationId, counted));
    for (const person of counted) this.#give([person], unread.get(keyOf(conversationId, person)), position);
  }

  async #spreadUsers({ profiles, me }: TouchedUsers): Promise<void> {
    const { source, audience } = this.#parts;
    for (const [person, { tenant, userId, position }] of me) {
      if (!audience.knows(person)) continue;
      this.#give([person], (await source.me(tenant, [userId])).get(userId), position);
    }
    for (const [person, { tenant, userId, position }] of profiles) {
      const change = (await source.users(tenant, [userId])).get(userId);
      const seenBy = new Set<string>([person]);
      for (const conversationId of await this.#conversationsWith(tenant, userId))
        for (const member of audience.of(tenant, conversationId)) seenBy.add(member);
      this.#give(
        [...seenBy].filter((known) => audience.knows(known)),
        change,
        position,
      );
    }
  }

  async #conversationsWith(tenant: string, userId: string): Promise<string[]> {
    const { conversations } = await this.#parts.source.belongings(tenant, userId);
    return conversations.map(({ conversationId }) => conversationId);
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

  /** One frame, encoded once, to every socket of these people. */
  #giveAll(to: readonly string[], changes: readonly Change[], position: number): void {
    if (changes.length === 0 || to.length === 0) return;
    const frame = encodeFrame({ type: "changes", position, changes });
    for (const person of to)
      for (const socket of this.#parts.sockets(person)) socket.deliver(frame, position, changes.length);
  }

  #keys = (conversationId: string, people: readonly string[]) =>
    people.map((person) => ({ conversationId, userId: idOf(person) }));
}

const idOf = (person: string): string => person.slice(person.indexOf("/") + 1);
const keyOf = (conversationId: string, person: string): string => personKey({ conversationId, userId: idOf(person) });

const numberIn = (value: unknown, field: string): number | undefined =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, found]) => (key === field && typeof found === "number" ? [found] : []))[0]
    : undefined;

const seqOf = (change: Change): number => numberIn(change.message, "seq") ?? 0;
const firstSeqOf = (conversation: unknown): number => numberIn(conversation, "firstSeq") ?? 1;
