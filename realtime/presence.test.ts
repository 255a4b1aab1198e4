import { describe, expect, test, vi } from "vitest";
import { memoryPresence, type Presence } from "./presence.ts";

const ada = "main/ada";
const at = new Date("2026-11-21T08:00:00.000Z");

function board() {
  const seen = vi.fn();
  const presence = memoryPresence(seen);
  const told: [string, Presence["status"]][] = [];
  const watcher = {};
  presence.watch(watcher, [ada], (person, { status }) => told.push([person, status]));
  return { presence, seen, told, watcher };
}

describe("presence", () => {
  test("is the best of what a person's sockets say, and is told only when it changes", () => {
    const { presence, told } = board();
    const [phone, laptop] = [{}, {}];
    presence.say(ada, phone, "away", at);
    presence.say(ada, laptop, "online", at);
    presence.say(ada, laptop, "online", at);
    presence.say(ada, phone, "offline", at);
    expect(told).toEqual([
      [ada, "away"],
      [ada, "online"],
    ]);
    expect(presence.of(ada)).toEqual({ status: "online", lastSeen: null });
  });

  test("ends with the last socket, which is when the person was seen last", () => {
    const { presence, seen, told } = board();
    const phone = {};
    presence.say(ada, phone, "online", at);
    presence.say(ada, phone, "offline", at);
    expect(told.at(-1)).toEqual([ada, "offline"]);
    expect(presence.of(ada)).toEqual({ status: "offline", lastSeen: at.toISOString() });
    expect(seen).toHaveBeenCalledExactlyOnceWith(ada, at);
  });

  test("is told to nobody who watches somebody else now, or is gone", () => {
    const { presence, told, watcher } = board();
    presence.watch(watcher, ["main/bo"], (person, { status }) => told.push([person, status]));
    presence.say(ada, {}, "online", at);
    presence.unwatch(watcher);
    presence.say("main/bo", {}, "online", at);
    expect(told).toEqual([]);
  });
});
