import { expect, test } from "vitest";
import { type Upcasters, upcast, upcastContent } from "./upcasters.ts";

/** Facts were renamed, then measured otherwise; the personal part changed with the first step alone. */
const history: Upcasters = {
  RoomBooked: {
    1: {
      data: ({ room, ...rest }) => ({ ...rest, place: room }),
      sealed: ({ note }) => ({ note, language: "en" }),
    },
    2: { data: ({ hours, ...rest }) => ({ ...rest, minutes: Number(hours) * 60 }) },
  },
};

test("a v1 is lifted through v2 to v3, a v2 from there, and a v3 is left as it is", () => {
  const lifted = { place: "7b", minutes: 120 };
  expect(upcast("RoomBooked", 1, { room: "7b", hours: 2 }, history)).toEqual(lifted);
  expect(upcast("RoomBooked", 2, { place: "7b", hours: 2 }, history)).toEqual(lifted);
  expect(upcast("RoomBooked", 3, lifted, history)).toEqual(lifted);
});

test("personal content is lifted by its own steps, and stays where a step leaves it", () => {
  expect(upcastContent("RoomBooked", 1, { note: "quiet" }, history)).toEqual({ note: "quiet", language: "en" });
  expect(upcastContent("RoomBooked", 2, { note: "quiet", language: "de" }, history)).toEqual({
    note: "quiet",
    language: "de",
  });
});

test("what is no object is left to whoever parses it", () => {
  expect(upcast("RoomBooked", 1, 7, history)).toBe(7);
  expect(upcast("RoomBooked", 1, null, history)).toBe(null);
  expect(upcast("Unheard", 1, { as: "is" }, history)).toEqual({ as: "is" });
});
