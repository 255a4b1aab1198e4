import type { PresenceStatus } from "./frames.ts";

export interface Presence {
  readonly status: PresenceStatus;
  /** RFC 3339; null where the person was never here, or is here now. */
  readonly lastSeen: string | null;
}

/** Who is here, told to whoever watches. It is in no log: what a process forgets with its end is only presence. */
export interface PresenceBoard {
  /** What one socket says of its person; "offline" takes it away. */
  say(person: string, socket: object, status: PresenceStatus, at: Date): void;
  of(person: string): Presence;
  /** Replaces what a socket watches. */
  watch(socket: object, people: readonly string[], onChange: (person: string, presence: Presence) => void): void;
  unwatch(socket: object): void;
}

interface Watcher {
  readonly people: readonly string[];
  readonly onChange: (person: string, presence: Presence) => void;
}

/** A board in this process's memory. `lastSeen` starts from what was stored, where somebody gives it. */
export function memoryPresence(onSeen: (person: string, at: Date) => void = () => {}): PresenceBoard {
  const said = new Map<string, Map<object, "online" | "away">>();
  const lastSeen = new Map<string, string>();
  const watchers = new Map<object, Watcher>();
  const watchedBy = new Map<string, Set<Watcher>>();

  const of = (person: string): Presence => {
    const sockets = said.get(person);
    if (!sockets || sockets.size === 0) return { status: "offline", lastSeen: lastSeen.get(person) ?? null };
    const online = [...sockets.values()].includes("online");
    return { status: online ? "online" : "away", lastSeen: null };
  };

  const unwatch = (socket: object) => {
    const watcher = watchers.get(socket);
    watchers.delete(socket);
    for (const person of watcher?.people ?? []) {
      const others = watchedBy.get(person);
      if (watcher) others?.delete(watcher);
      if (others?.size === 0) watchedBy.delete(person);
    }
  };

  return {
    say(person, socket, status, at) {
      const before = of(person).status;
      const sockets = said.get(person) ?? new Map<object, "online" | "away">();
      if (status === "offline") sockets.delete(socket);
      else sockets.set(socket, status);
      if (sockets.size > 0) said.set(person, sockets);
      else {
        said.delete(person);
        if (before !== "offline") {
          lastSeen.set(person, at.toISOString());
          onSeen(person, at);
        }
      }
      const now = of(person);
      if (now.status === before) return;
      for (const { onChange } of watchedBy.get(person) ?? []) onChange(person, now);
    },
    of,
    watch(socket, people, onChange) {
      unwatch(socket);
      const watcher = { people: [...new Set(people)], onChange };
      watchers.set(socket, watcher);
      for (const person of watcher.people) watchedBy.set(person, (watchedBy.get(person) ?? new Set()).add(watcher));
    },
    unwatch,
  };
}
