import { type Ask, askOf, type Range } from "./ask.ts";
import type {
  Answer,
  Change,
  CommandName,
  Device,
  Message,
  MessagePage,
  Payload,
  PresenceStatus,
  ServerFrame,
} from "./contract.ts";
import { Emitter } from "./emitter.ts";
import { httpOf } from "./http.ts";
import { Keeper } from "./keeper.ts";
import { conversationOf, type Entry, isMark, Outbox, quiet } from "./outbox.ts";
import { ScriptaError } from "./problem.ts";
import { Realtime, type Status } from "./realtime.ts";
import { requestFor } from "./routes.ts";
import { Session, signIn, type Tokens } from "./session.ts";
import { applyAll, type ClientState, emptyState, type Held, mergeHistory, mergeUsers } from "./state.ts";
import { memoryStorage, plainOf, type Storage, type Stored, stateOf } from "./stored.ts";
import { Typists } from "./typing.ts";
import { uuidV7 } from "./uuid.ts";
import { gaps, inbox, messagesOf } from "./view.ts";

export interface ClientEvents {
  status: Status;
  me: ClientState["me"];
  /** Something of it changed; `held` is undefined once it was left. */
  conversation: { readonly conversationId: string; readonly held: Held | undefined };
  /** `isNew`: never seen on this device before, and later than all that was. */
  message: { readonly conversationId: string; readonly message: Message; readonly isNew: boolean };
  typing: { readonly conversationId: string; readonly userIds: readonly string[] };
  presence: { readonly userId: string; readonly status: PresenceStatus; readonly lastSeen: string | null };
  /** A command began to wait, or was answered. */
  pending: { readonly conversationId: string | undefined };
  /** The server refused a command for good. */
  rejected: { readonly entry: Entry; readonly error: ScriptaError };
  /** All that was held is dropped; it comes anew. */
  reset: Record<string, never>;
  /** The storage failed: what changed since its last save would be fetched again. */
  storageError: { readonly error: unknown };
}

interface Server {
  readonly url: string;
  readonly tenant?: string;
}

interface Credentials {
  readonly username: string;
  readonly password: string;
}

type SendOptions = Partial<Omit<Payload<"SendMessage">, "conversationId" | "text">>;

const TYPING_EVERY_MS = 1_000;

/**
 * One device of one person. Holds a copy of what that person may see, kept up by the server's changes; what one does
 * waits in an outbox until the server has it, across lost connections and (with a storage) across restarts.
 */
export class ScriptaClient {
  readonly #events = new Emitter<ClientEvents>();
  readonly #session: Session;
  readonly #realtime: Realtime;
  readonly #outbox: Outbox;
  readonly #keeper: Keeper;
  readonly #storage: Storage;
  readonly #typists = new Typists((conversationId) =>
    this.#events.emit("typing", { conversationId, userIds: this.typing(conversationId) }),
  );
  readonly #lastTyped = new Map<string, number>();
  readonly #saidRead = new Map<string, number>();
  readonly #saidDelivered = new Map<string, number>();
  readonly #askedFor = new Set<string>();
  /** HTTP questions, for what is not held. */
  readonly ask: Ask;
  #state: ClientState;
  #cursor: string | null;
  #position = 0;
  #wasReset = false;
  #watched: readonly string[] = [];
  #presence: "online" | "away" = "online";

  private constructor(url: string, tokens: Tokens, storage: Storage, stored: Stored | undefined) {
    const http = httpOf(url);
    this.#storage = storage;
    this.#session = new Session(http, tokens, async () => {
      this.#keeper.changed();
      await this.#keeper.flush();
    });
    this.#state = stored ? stateOf(stored.state) : emptyState(tokens.userId);
    this.#cursor = stored?.cursor ?? null;
    this.#keeper = new Keeper(
      () => this.#save(),
      (error) => this.#events.emit("storageError", { error }),
    );
    this.#realtime = new Realtime({
      url,
      session: this.#session,
      cursor: () => this.#cursor,
      onFrame: (frame) => this.#take(frame),
      onStatus: (status) => this.#statusChanged(status),
    });
    this.#outbox = new Outbox({
      deliver: (entry) => this.#deliver(entry),
      onChange: (entry) => {
        this.#keeper.changed();
        if (!isMark(entry.name)) this.#events.emit("pending", { conversationId: conversationOf(entry) });
      },
      onRejected: (entry, error) => {
        if (!isMark(entry.name)) this.#events.emit("rejected", { entry, error });
      },
    });
    this.ask = askOf(this.#session, () => this.#position);
    if (stored) this.#outbox.restore(stored.outbox);
  }

  /** A new account; signing in is a second step. */
  static register(
    { url, ...body }: Server & Credentials & { readonly displayName: string },
    key: string = uuidV7(),
  ): Promise<{ readonly userId: string }> {
    const headers = { "idempotency-key": key };
    return httpOf(url).json({ method: "POST", path: "/auth/register", body, headers, repeatable: true });
  }

  /** A new device. What a former one of the same person left unsent in the storage goes out from this one. */
  static async login({
    url,
    storage = memoryStorage(),
    ...body
  }: Server & Credentials & { readonly device: Device; readonly storage?: Storage }): Promise<ScriptaClient> {
    const tokens = await signIn(httpOf(url), body);
    const before = await storage.load();
    const own = before?.tokens.userId === tokens.userId ? { ...before, tokens, cursor: null } : undefined;
    const client = new ScriptaClient(url, tokens, storage, own);
    await client.#save();
    return client;
  }

  /** The device that the storage holds, with all it held; undefined where it holds none. */
  static async resume({ url, storage }: Server & { readonly storage: Storage }): Promise<ScriptaClient | undefined> {
    const stored = await storage.load();
    return stored && new ScriptaClient(url, stored.tokens, storage, stored);
  }

  get userId(): string {
    return this.#session.tokens.userId;
  }

  get deviceId(): string {
    return this.#session.tokens.deviceId;
  }

  get status(): Status {
    return this.#realtime.status;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Gives the function that stops listening. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Resolves once this device has caught up; from then on it stays connected by itself. Throws where it is signed out,
   * or disconnected meanwhile; who does not wait for it hears of that by `status`.
   */
  connect(): Promise<void> {
    const connected = new Promise<void>((resolve, reject) => {
      const stop = this.on("status", (status) => {
        if (status.status === "live") resolve();
        else if (status.status === "stopped") reject(new ScriptaError("unauthenticated", `stopped: ${status.why}`));
        else if (status.status === "offline") reject(new ScriptaError("network", "disconnected while connecting"));
        else return;
        stop();
      });
      if (this.#realtime.live) {
        stop();
        resolve();
      }
      this.#outbox.open();
      this.#realtime.start();
    });
    return quiet(connected);
  }

  /** Resolves once this device holds what is looked for; looks again after each change. Throws when it takes too long. */
  until(holds: () => boolean, withinMs = 10_000): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const looked = () => {
        if (!holds()) return;
        over();
        resolve();
      };
      const stops = [this.on("conversation", looked), this.on("status", looked), this.on("pending", looked)];
      const timer = setTimeout(() => {
        over();
        reject(new ScriptaError("network", `it did not come within ${withinMs} ms`));
      }, withinMs);
      const over = () => {
        clearTimeout(timer);
        for (const stop of stops) stop();
      };
    });
  }

  /** As in a tunnel: what one does waits in the outbox until `connect`. */
  disconnect(): void {
    this.#outbox.close();
    this.#realtime.stop();
  }

  /** Ends the work of this object, with all saved; the device stays signed in. */
  async close(): Promise<void> {
    this.disconnect();
    this.#typists.clear();
    await this.#keeper.flush();
  }

  /** Signs the device out at the server. */
  async logout(): Promise<void> {
    this.disconnect();
    await this.#session.logout();
    await this.close();
  }

  inbox(): readonly Held[] {
    return inbox(this.#state);
  }

  conversation(conversationId: string): Held | undefined {
    return this.#state.conversations.get(conversationId);
  }

  /** Those held, in order. */
  messages(conversationId: string): readonly Message[] {
    const held = this.conversation(conversationId);
    return held ? messagesOf(held) : [];
  }

  /** Messages on their way that have not come back yet, in order: to show beneath the others. */
  pending(conversationId: string): readonly Payload<"SendMessage">[] {
    const held = this.conversation(conversationId);
    const here = (entry: Entry) => entry.name === "SendMessage" && conversationOf(entry) === conversationId;
    const acknowledged = this.#outbox.settled.filter(
      ({ answer }) =>
        "seq" in answer && typeof answer.seq === "number" && held && answer.seq > held.conversation.lastSeq,
    );
    return [...acknowledged, ...this.#outbox.waiting]
      .filter(here)
      .map(({ payload }) => payload)
      .filter(isSend)
      .filter(({ messageId }) => !held?.messages.has(messageId));
  }

  /** How many commands wait for the server, but for marks, which follow by themselves. */
  get unanswered(): number {
    return this.#outbox.waiting.filter(({ name }) => !isMark(name)).length;
  }

  /**
   * Over the socket when that is live, else over HTTP. Resolves with the answer, however long it takes; who does not
   * wait for it hears of a refusal by `rejected`.
   */
  command<Name extends CommandName>(name: Name, payload: Payload<Name>, id: string = uuidV7()): Promise<Answer<Name>> {
    const answered = this.#outbox.add(name, payload, id).then((answer) => {
      this.#position = Math.max(this.#position, answer.position);
      return answer;
    });
    return quiet(answered);
  }

  send(conversationId: string, text: string, more: SendOptions = {}): Promise<Answer<"SendMessage">> {
    const messageId = more.messageId ?? uuidV7();
    return this.command("SendMessage", { kind: "text", ...more, conversationId, messageId, text }, messageId);
  }

  edit(conversationId: string, messageId: string, text: string): Promise<Answer<"EditMessage">> {
    return this.command("EditMessage", { conversationId, messageId, text });
  }

  delete(conversationId: string, messageId: string): Promise<Answer<"DeleteMessage">> {
    return this.command("DeleteMessage", { conversationId, messageId });
  }

  react(conversationId: string, messageId: string, emoji: string): Promise<Answer<"AddReaction">> {
    return this.command("AddReaction", { conversationId, messageId, emoji });
  }

  /** Says that one has taken note of a message that asks for it. */
  acknowledge(conversationId: string, messageId: string): Promise<Answer<"AcknowledgeMessage">> {
    return this.command("AcknowledgeMessage", { conversationId, messageId });
  }

  unreact(conversationId: string, messageId: string, emoji: string): Promise<Answer<"RemoveReaction">> {
    return this.command("RemoveReaction", { conversationId, messageId, emoji });
  }

  /** Up to a message, or to the last. Delivered is said by itself, once messages are stored. */
  markRead(conversationId: string, seq = this.conversation(conversationId)?.conversation.lastSeq): Promise<unknown> {
    const read = Math.max(
      this.conversation(conversationId)?.conversation.read ?? 0,
      this.#saidRead.get(conversationId) ?? 0,
    );
    if (seq === undefined || seq <= read) return Promise.resolve();
    this.#saidRead.set(conversationId, seq);
    return this.command("MarkRead", { conversationId, seq });
  }

  async direct(userId: string): Promise<string> {
    return (await this.command("CreateConversation", { kind: "direct", userId })).conversationId;
  }

  async group(name: string, userIds: readonly string[]): Promise<string> {
    const members = userIds.map((userId) => ({ userId }));
    return (await this.command("CreateConversation", { kind: "group", name, members })).conversationId;
  }

  /** Fetches a page and takes it in: what a later change said already counts more. */
  async history(conversationId: string, range: Range): Promise<MessagePage> {
    const page = await this.ask.messages(conversationId, range);
    await this.#learnSenders(page.items);
    this.#state = mergeHistory(this.#state, conversationId, page.items);
    this.#changed(conversationId);
    return page;
  }

  /** The page before the newest messages held without a gap. False: there is nothing older. */
  async older(conversationId: string, limit = 50): Promise<boolean> {
    const held = this.conversation(conversationId);
    if (!held) return false;
    const gap = gaps(held).at(-1);
    const before = gap ? gap.to + 1 : (messagesOf(held).at(0)?.seq ?? held.conversation.lastSeq + 1);
    return (await this.history(conversationId, { before, limit })).more.before;
  }

  /** Tells the other members that one is typing; as often as one likes. */
  startTyping(conversationId: string): void {
    const now = Date.now();
    if (now - (this.#lastTyped.get(conversationId) ?? 0) < TYPING_EVERY_MS) return;
    if (this.#realtime.send({ type: "typing", conversationId })) this.#lastTyped.set(conversationId, now);
  }

  typing(conversationId: string): readonly string[] {
    return this.#typists.in(conversationId);
  }

  setPresence(status: "online" | "away"): void {
    this.#presence = status;
    if (this.#realtime.live) this.#realtime.send({ type: "presence", status });
  }

  /** Whose presence to be told of, at most 200; replaces the former list, and is said again on each connection. */
  watch(userIds: readonly string[]): void {
    this.#watched = userIds;
    if (this.#realtime.live) this.#realtime.send({ type: "watch", userIds });
  }

  async #deliver(entry: Entry): Promise<object> {
    if (this.#realtime.live) return this.#realtime.command(entry);
    // Once: the outbox asks again, over the socket where that is live by then.
    const request = { ...requestFor(entry.name, entry.payload, entry.id), attempts: 1 };
    const answer = await this.#session.json<object>(request);
    this.#realtime.hurry();
    return answer;
  }

  #statusChanged(status: Status): void {
    if (status.status === "live") {
      if (this.#presence === "away") this.#realtime.send({ type: "presence", status: this.#presence });
      if (this.#watched.length > 0) this.#realtime.send({ type: "watch", userIds: this.#watched });
      if (this.#wasReset) this.#outbox.repeatSettled();
      this.#wasReset = false;
      this.#outbox.open();
    } else {
      this.#typists.clear();
    }
    this.#events.emit("status", status);
  }

  #take(frame: ServerFrame): void {
    switch (frame.type) {
      case "ready":
        if (this.#cursor === null) this.#startAnew();
        break;
      case "reset":
        this.#startAnew();
        break;
      case "changes":
        this.#apply(frame.changes, frame.position);
        this.#keeper.changed();
        break;
      case "cursor":
      case "live":
        this.#cursor = frame.cursor;
        this.#keeper.changed();
        break;
      case "typing":
        this.#typists.started(frame.conversationId, frame.userId, frame.expiresAt);
        break;
      case "presence":
        this.#events.emit("presence", frame);
    }
  }

  /** A server whose log lost its tail resets, or has one sign in again: what it acknowledged lately is sent again. */
  #startAnew(): void {
    this.#wasReset = true;
    this.#drop();
  }

  #drop(): void {
    this.#state = emptyState(this.userId);
    this.#cursor = null;
    this.#position = 0;
    this.#saidRead.clear();
    this.#saidDelivered.clear();
    this.#events.emit("reset", {});
  }

  #apply(changes: readonly Change[], position: number): void {
    const before = this.#state;
    this.#state = applyAll(before, changes, position);
    if (before.me !== this.#state.me) this.#events.emit("me", this.#state.me);
    for (const change of changes) {
      if (change.op !== "message" || !this.#state.conversations.has(change.conversationId)) continue;
      const { conversationId, message } = change;
      const known = before.conversations.get(conversationId);
      const isNew = known !== undefined && message.seq > known.conversation.lastSeq;
      if (isNew) this.#typists.stopped(conversationId, message.senderId);
      this.#events.emit("message", { conversationId, message, isNew });
    }
    for (const conversationId of new Set([...before.conversations.keys(), ...this.#state.conversations.keys()])) {
      if (before.conversations.get(conversationId) !== this.#state.conversations.get(conversationId)) {
        this.#changed(conversationId);
      }
    }
  }

  #changed(conversationId: string): void {
    this.#events.emit("conversation", { conversationId, held: this.conversation(conversationId) });
  }

  async #learnSenders(messages: readonly Message[]): Promise<void> {
    const unknown = [...new Set(messages.map(({ senderId }) => senderId))].filter(
      (userId) => !this.#state.users.has(userId) && !this.#askedFor.has(userId),
    );
    if (unknown.length === 0) return;
    for (const userId of unknown) this.#askedFor.add(userId);
    this.#state = mergeUsers(this.#state, await this.ask.users(unknown));
  }

  /** The copy may be ahead of the cursor: what comes again is harmless. */
  async #save(): Promise<void> {
    const state = this.#state;
    const { waiting, settled } = this.#outbox;
    await this.#storage.save({
      format: 1,
      tokens: this.#session.tokens,
      cursor: this.#cursor,
      state: plainOf(state),
      outbox: { waiting, settled },
    });
    this.#sayDelivered(state);
  }

  #sayDelivered({ conversations }: ClientState): void {
    for (const [conversationId, { conversation }] of conversations) {
      const said = Math.max(conversation.delivered, this.#saidDelivered.get(conversationId) ?? 0);
      if (conversation.lastSeq <= said || !this.#state.conversations.has(conversationId)) continue;
      this.#saidDelivered.set(conversationId, conversation.lastSeq);
      void this.#outbox.add("MarkDelivered", { conversationId, seq: conversation.lastSeq }, uuidV7());
    }
  }
}

const isSend = (payload: object): payload is Payload<"SendMessage"> => "messageId" in payload && "text" in payload;
