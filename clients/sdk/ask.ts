import type {
  Acknowledgements,
  Attachment,
  Conversation,
  Found,
  Me,
  Member,
  Message,
  MessagePage,
  Page,
  Receipts,
  SyncPage,
  Time,
  User,
} from "./contract.ts";
import type { HttpRequest } from "./http.ts";
import type { Session } from "./session.ts";

/** One of `before`, `after` (exclusive) and `around` (inclusive), by seq. */
export interface Range {
  readonly before?: number;
  readonly after?: number;
  readonly around?: number;
  readonly limit?: number;
  readonly threadRoot?: string;
}

export interface Search {
  readonly q: string;
  readonly conversationId?: string;
  readonly from?: string;
  readonly sentBefore?: Time;
  readonly sentAfter?: Time;
  readonly has?: "media" | "link";
  readonly cursor?: string;
  readonly limit?: number;
}

export interface SessionOnDevice {
  readonly deviceId: string;
  readonly name: string;
  readonly platform: string;
}

export type Ask = ReturnType<typeof askOf>;

/** Questions over HTTP. Each waits until the server's answer includes what this device did before (`minPosition`). */
export function askOf(session: Session, minPosition: () => number) {
  const get = <Body>(path: string, query: HttpRequest["query"] = {}): Promise<Body> => {
    const position = minPosition();
    const headers = position > 0 ? { "scripta-min-position": String(position) } : {};
    return session.json<Body>({ method: "GET", path, query, headers });
  };
  const inside = (conversationId: string) => `/conversations/${encodeURIComponent(conversationId)}`;

  return {
    me: () => get<Me>("/me"),
    user: (userId: string) => get<User>(`/users/${encodeURIComponent(userId)}`),
    /** By exact name, as far as the server's directory allows. */
    userByName: async (username: string): Promise<User | undefined> =>
      (await get<{ items: readonly User[] }>("/users", { username })).items[0],
    /** At most 200. */
    users: async (userIds: readonly string[]): Promise<readonly User[]> =>
      (await get<{ items: readonly User[] }>("/users", { ids: userIds.join(",") })).items,
    devices: () => get<{ items: readonly SessionOnDevice[] }>("/me/devices"),
    conversations: (query: { cursor?: string; limit?: number } = {}) =>
      get<Page<Conversation>>("/conversations", { ...query }),
    conversation: (conversationId: string) => get<Conversation>(inside(conversationId)),
    members: (conversationId: string, query: { cursor?: string; limit?: number } = {}) =>
      get<Page<Member>>(`${inside(conversationId)}/members`, { ...query }),
    messages: (conversationId: string, range: Range) =>
      get<MessagePage>(`${inside(conversationId)}/messages`, { ...range }),
    message: (conversationId: string, messageId: string) =>
      get<Message>(`${inside(conversationId)}/messages/${encodeURIComponent(messageId)}`),
    versions: (conversationId: string, messageId: string) =>
      get<{ items: readonly { revision: number; text: string; at: Time }[] }>(
        `${inside(conversationId)}/messages/${encodeURIComponent(messageId)}/history`,
      ),
    receipts: (conversationId: string, messageId: string) =>
      get<Receipts>(`${inside(conversationId)}/messages/${encodeURIComponent(messageId)}/receipts`),
    /** Who acknowledged a message that asks for it, and who has not yet (`at: null`). */
    acknowledgements: (conversationId: string, messageId: string, query: { cursor?: string; limit?: number } = {}) =>
      get<Acknowledgements>(`${inside(conversationId)}/messages/${encodeURIComponent(messageId)}/acks`, { ...query }),
    search: (search: Search) => get<Page<Found>>("/search", { ...search }),
    sync: (cursor?: string) => get<SyncPage>("/sync", { cursor }),
    /** A file, of one's own until a message carries it. */
    upload: (file: Blob, name: string) => {
      const form = new FormData();
      form.set("file", file, name);
      return session.json<Attachment & { sha256: string }>({ method: "POST", path: "/media", body: form });
    },
    media: (mediaId: string) => session.response({ method: "GET", path: `/media/${encodeURIComponent(mediaId)}` }),
  };
}
