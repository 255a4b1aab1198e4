import { connect, createServer, type Socket } from "node:net";
import { messageCutter, type PgMessage, stringsOf } from "./pgMessages.ts";

/**
 * Where a statement can be caught: `asked`, before the database hears of it; `answered`, when the database has done it
 * (a commit: has committed) and its answer is not yet out.
 */
export type Side = "asked" | "answered";

/** Whether this statement is meant. By name where it has one, else by its text; with those before it in its transaction. */
export type Where = (statement: string, transaction: readonly string[]) => boolean;

/** A statement that stands still, with its connection. */
export interface Caught {
  readonly statement: string;
  letGo(): void;
  /** Breaks its connection, both ways. */
  cut(): void;
}

export interface DatabaseLink {
  /** The database's URL by way of this link; it stays when the database moves. */
  readonly url: string;
  /** Where the database is now. */
  retarget(url: string): void;
  /** The `nth` statement that is meant, from now on. One catch a statement; call again for the next. */
  catchAt(side: Side, where: Where, nth?: number): Promise<Caught>;
  /** Breaks all connections there are. */
  cutAll(): void;
  /** As when the database's host is gone: its ends of all connections are, and nobody tells the ends on this side. */
  vanish(): void;
  /** While down, no connection comes about. */
  down(isDown: boolean): void;
  /** While it hangs, nothing passes in either direction, and nothing breaks. */
  hang(hangs: boolean): void;
  /** Statements that passed, by name or text. */
  readonly passed: ReadonlyMap<string, number>;
  close(): void;
}

interface Trap {
  readonly side: Side;
  readonly where: Where;
  left: number;
  readonly caught: (caught: Caught) => void;
}

/** A relay to a PostgreSQL that reads along, so that the link can break at any statement, on either side of it. */
export async function databaseLink(target: string): Promise<DatabaseLink> {
  let to = new URL(target);
  let isDown = false;
  let hangs = false;
  const traps = new Set<Trap>();
  const connections = new Set<LinkConnection>();
  const passed = new Map<string, number>();

  const trapFor = (side: Side, statement: string, transaction: readonly string[]): Trap | undefined => {
    for (const trap of traps) {
      if (trap.side !== side || !trap.where(statement, transaction)) continue;
      if (--trap.left > 0) continue;
      traps.delete(trap);
      return trap;
    }
    return undefined;
  };
  const relay = createServer((near) => {
    if (isDown) return void near.destroy();
    const far = connect(Number(to.port), to.hostname);
    const connection = new LinkConnection(near, far, trapFor, (statement) =>
      passed.set(statement, (passed.get(statement) ?? 0) + 1),
    );
    connections.add(connection);
    near.on("close", () => connections.delete(connection));
    if (hangs) connection.hold();
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const address = relay.address();
  const url = new URL(target);
  url.port = String(address && typeof address === "object" ? address.port : 0);
  const cutAll = () => {
    for (const connection of connections) connection.cut();
  };
  return {
    url: url.href,
    passed,
    retarget(there) {
      to = new URL(there);
    },
    catchAt: (side, where, nth = 1) => new Promise((caught) => traps.add({ side, where, left: nth, caught })),
    cutAll,
    vanish() {
      for (const connection of connections) connection.vanish();
    },
    down(now) {
      isDown = now;
      if (now) cutAll();
    },
    hang(now) {
      hangs = now;
      for (const connection of connections)
        if (now) connection.hold();
        else connection.letGo();
    },
    close() {
      relay.close();
      cutAll();
    },
  };
}

/** One connection through the link: what it was asked last, and what it holds back. */
class LinkConnection {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #trapFor: (side: Side, statement: string, transaction: readonly string[]) => Trap | undefined;
  readonly #onPassed: (statement: string) => void;
  readonly #prepared = new Map<string, string>();
  readonly #fromNear = messageCutter("client");
  readonly #fromFar = messageCutter("server");
  /** Asked, and not yet synchronised. */
  readonly #asked: string[] = [];
  /** What each answer to come is for: clients send on without waiting. */
  readonly #awaited: { readonly statements: readonly string[]; readonly transaction: readonly string[] }[] = [];
  #transaction: readonly string[] = [];
  #holding = false;
  #vanished = false;
  /** In order of arrival, while it holds. */
  #held: (() => void)[] = [];

  constructor(
    near: Socket,
    far: Socket,
    trapFor: (side: Side, statement: string, transaction: readonly string[]) => Trap | undefined,
    onPassed: (statement: string) => void,
  ) {
    this.#near = near;
    this.#far = far;
    this.#trapFor = trapFor;
    this.#onPassed = onPassed;
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        if (socket === near || !this.#vanished) this.cut();
      });
    }
    near.on("data", (chunk) => {
      for (const message of this.#fromNear(chunk)) this.#pass(() => this.#toFar(message));
    });
    far.on("data", (chunk) => {
      for (const message of this.#fromFar(chunk)) this.#pass(() => this.#toNear(message));
    });
  }

  hold(): void {
    this.#holding = true;
  }

  letGo(): void {
    this.#holding = false;
    while (!this.#holding) {
      const next = this.#held.shift();
      if (!next) return;
      next();
    }
  }

  cut(): void {
    this.#near.destroy();
    this.#far.destroy();
  }

  vanish(): void {
    this.#vanished = true;
    this.#far.destroy();
  }

  #pass(act: () => void): void {
    if (this.#vanished) return;
    if (this.#holding) this.#held.push(act);
    else act();
  }

  #toFar(message: PgMessage): void {
    const statement = this.#statementOf(message);
    const before = statement !== undefined && /^begin/i.test(statement) ? [] : this.#transaction;
    if (statement !== undefined) {
      this.#transaction = [...before, statement];
      this.#asked.push(statement);
    }
    if (message.type === "Q" || message.type === "S")
      this.#awaited.push({ statements: this.#asked.splice(0), transaction: this.#transaction });
    if (statement === undefined) return void this.#far.write(message.bytes);
    const trap = this.#trapFor("asked", statement, before);
    const go = () => {
      this.#onPassed(statement);
      this.#far.write(message.bytes);
    };
    if (trap) this.#spring(trap, statement, go);
    else go();
  }

  /** What it asks to be done: a query, or a prepared statement with its values. */
  #statementOf(message: PgMessage): string | undefined {
    if (message.type === "Q") return stringsOf(message, 1)[0];
    if (message.type === "P") {
      const [name = "", text = ""] = stringsOf(message, 2);
      this.#prepared.set(name, name || text);
    }
    if (message.type === "B") return this.#prepared.get(stringsOf(message, 2)[1] ?? "");
    return undefined;
  }

  #toNear(message: PgMessage): void {
    const go = () => void this.#near.write(message.bytes);
    // Ready for the next: whatever was asked is done, and committed where it stood alone.
    const done = message.type === "Z" ? this.#awaited.shift() : undefined;
    for (const statement of done?.statements ?? []) {
      const trap = this.#trapFor("answered", statement, done?.transaction ?? []);
      if (trap) return this.#spring(trap, statement, go);
    }
    go();
  }

  /** The statement and all that follows on its connection waits. */
  #spring(trap: Trap, statement: string, go: () => void): void {
    this.#holding = true;
    this.#held.unshift(go);
    trap.caught({ statement, letGo: () => this.letGo(), cut: () => this.cut() });
  }
}
