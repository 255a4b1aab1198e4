/** Escape codes begin with one of these; tabs and newlines are made plain before. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g;
/** They would turn around what stands beside them: the name, the time, another's words. */
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** What others wrote, such that it cannot speak to the terminal: without controls and overrides of direction, lines kept. */
export const safeText = (text: string): string =>
  text
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, "\n")
    .replaceAll("\t", "  ")
    .replace(CONTROLS, "\ufffd")
    .replace(DIRECTIONS, "\ufffd");

/** The same on one line, for names. */
export const safeLine = (text: string): string => safeText(text).replaceAll("\n", " ");
