import type { HistoryVisibility, Role } from "../domain/conversation/events.ts";
import { type Membership, visible } from "../domain/conversation/visibility.ts";
import type { Logged } from "../projections/logged.ts";
import type { Belonging } from "./changeSource.ts";

interface Room {
  /** The position that what was read about it stands at. */
  readonly asOf: number;
  historyVisibility: HistoryVisibility;
  memberCount: number;
  /** The last message that was told of, or was there before anything was. */
  lastSeq: number;
  /** Memberships of the people who are connected here, by person. */
  readonly people: Map<string, Seat>;
}

interface Seat {
  memberships: readonly Membership[];
  role: Role;
}

/** What is known of a room that somebody just came into, until it is read. */
const NEW_ROOM = { historyVisibility: "joined", memberCount: 1, lastSeq: 0 } as const;

/**
 * Which of the people connected to this process belong to which conversation. Read when somebody connects, then
 * folded from the log: as of the last batch, never ahead of it for a message, never behind it for a removal.
 */
export class Audience {
  readonly #rooms = new Map<string, Room>();
  /** Conversations of each connected person. */
  readonly #people = new Map<string, Set<string>>();
  /** The position that what was read about a person stands at: earlier events are in it already. */
  readonly #readAt = new Map<string, number>();

  /** Everybody with a socket. */
  everybody(): Iterable<string> {
    return this.#people.keys();
  }

  knows(person: string): boolean {
    return this.#people.has(person);
  }

  seat(tenant: string, userId: string, position: number, belongings: readonly Belonging[]): void {
    const person = `${tenant}/${userId}`;
    const rooms = new Set<string>();
    for (const belonging of belongings) {
      const { conversationId, memberships, role } = belonging;
      const name = `${tenant}/${conversationId}`;
      const room = this.#room(name, position, belonging);
      room.people.set(person, { memberships, role });
      rooms.add(name);
    }
    this.#people.set(person, rooms);
    this.#readAt.set(person, position);
  }

  forget(person: string): void {
    for (const name of this.#people.get(person) ?? []) this.#leave(name, person);
    this.#people.delete(person);
    this.#readAt.delete(person);
  }

  /** Connected people who see a message of the conversation; with no seq, all its connected members. */
  of(tenant: string, conversationId: string, seq?: number): string[] {
    const room = this.#rooms.get(`${tenant}/${conversationId}`);
    if (!room) return [];
    if (seq === undefined) return [...room.people.keys()];
    return [...room.people]
      .filter(([, { memberships }]) => visible(memberships, room.historyVisibility, seq))
      .map(([person]) => person);
  }

  isEmpty(tenant: string, conversationId: string): boolean {
    return !this.#rooms.has(`${tenant}/${conversationId}`);
  }

  memberCount(tenant: string, conversationId: string): number {
    return this.#rooms.get(`${tenant}/${conversationId}`)?.memberCount ?? 0;
  }

  /** The last message of the conversation that sockets here were sent, or had before. */
  lastSeq(tenant: string, conversationId: string): number {
    return this.#rooms.get(`${tenant}/${conversationId}`)?.lastSeq ?? 0;
  }

  isMember(person: string, tenant: string, conversationId: string): boolean {
    return this.#people.get(person)?.has(`${tenant}/${conversationId}`) ?? false;
  }

  /** Whether a member is a guest there by role; that a whole account counts as guest, its sockets know. */
  isGuest(person: string, tenant: string, conversationId: string): boolean {
    return this.#rooms.get(`${tenant}/${conversationId}`)?.people.get(person)?.role === "guest";
  }

  /** Follows one event. Gives whoever is connected and came or went by it. */
  fold(event: Logged): { joined?: string; left?: string } {
    const name = `${event.tenant}/${event.of}`;
    const known = this.#rooms.get(name);
    const room = known && event.position > known.asOf ? known : undefined;
    switch (event.type) {
      case "MessageSent":
        if (known) known.lastSeq = Math.max(known.lastSeq, event.data.seq);
        return {};
      case "HistoryVisibilityChanged":
        if (room) room.historyVisibility = event.data.historyVisibility;
        return {};
      case "MemberAdded": {
        if (room) room.memberCount++;
        const person = `${event.tenant}/${event.data.userId}`;
        if (!this.#isNews(person, event.position)) return {};
        this.#people.get(person)?.add(name);
        const { afterSeq, role } = event.data;
        // What this person saw in former memberships is told when the conversation is sent anew.
        const joined = this.#room(name, event.position, NEW_ROOM);
        joined.lastSeq = Math.max(joined.lastSeq, afterSeq);
        joined.people.set(person, { memberships: [{ afterSeq, lastSeq: null }], role });
        return { joined: person };
      }
      case "MemberRemoved": {
        if (room) room.memberCount--;
        const person = `${event.tenant}/${event.data.userId}`;
        if (!this.#isNews(person, event.position)) return {};
        this.#people.get(person)?.delete(name);
        this.#leave(name, person);
        return { left: person };
      }
      case "MemberRoleChanged": {
        const seat = room?.people.get(`${event.tenant}/${event.data.userId}`);
        if (seat) seat.role = event.data.role;
        return {};
      }
      default:
        return {};
    }
  }

  /** Replaces what is known of a person in one conversation, as read after joining it. */
  correct(
    person: string,
    tenant: string,
    { conversationId, memberships, role, historyVisibility, memberCount }: Belonging,
  ): void {
    const name = `${tenant}/${conversationId}`;
    if (!this.#people.get(person)?.has(name)) return;
    const room = this.#rooms.get(name);
    if (!room) return;
    room.historyVisibility = historyVisibility;
    room.memberCount = memberCount;
    room.people.set(person, { memberships, role });
  }

  #isNews = (person: string, position: number): boolean => position > (this.#readAt.get(person) ?? Number.MAX_VALUE);

  #room(name: string, asOf: number, known: Pick<Room, "historyVisibility" | "memberCount" | "lastSeq">): Room {
    const { historyVisibility, memberCount, lastSeq } = known;
    const room = this.#rooms.get(name) ?? { asOf, historyVisibility, memberCount, lastSeq, people: new Map() };
    this.#rooms.set(name, room);
    return room;
  }

  #leave(name: string, person: string): void {
    const room = this.#rooms.get(name);
    room?.people.delete(person);
    if (room?.people.size === 0) this.#rooms.delete(name);
  }
}
