const ESCAPED: Readonly<Record<string, string>> = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };

/** The three characters that Slack escapes; all else stays as it is. */
export const decodeSlackText = (text: string): string =>
  text.replace(/&(?:amp|lt|gt);/g, (escaped) => ESCAPED[escaped] ?? escaped);

const LARGEST_TEXT_BYTES = 16_384;

/** Whether a message can hold this text. */
export const isStorable = (text: string): boolean =>
  Buffer.byteLength(text, "utf8") <= LARGEST_TEXT_BYTES && !text.includes("\u0000");
