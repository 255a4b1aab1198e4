import type { Entry } from "../entry.ts";
import type { Format, NameOf, ToldStream } from "./format.ts";
import { happened, missing } from "./sayings.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that cannot be markup, whatever it holds. Controls that XML forbids become visible. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? "").replace(/(?![\t\n\r])\p{Cc}/gu, "\ufffd");

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1b1f; --faint: #63636e; --line: #d9d9e0; --paper: #ffffff; --mark: #8a4b00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8ec; --faint: #a0a0ac; --line: #3a3a42; --paper: #17171a; --mark: #ffb865; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 46rem; padding: 2rem 1.25rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, "Liberation Sans", sans-serif; }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
header p { margin: .25rem 0 0; color: var(--faint); font-size: .85rem; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .5rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); font-size: .95rem; break-after: avoid; }
article { margin: .9rem 0; break-inside: avoid; }
.head { display: flex; flex-wrap: wrap; gap: 0 .6rem; align-items: baseline; break-after: avoid; }
.who { font-weight: 600; }
.seq, .when, .note { color: var(--faint); font-size: .8rem; }
.text { margin: .1rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.gone { color: var(--mark); font-style: italic; }
.event { color: var(--faint); font-size: .85rem; }
@media print {
  @page { margin: 18mm 16mm; }
  :root { --ink: #000; --faint: #444; --line: #999; --paper: #fff; --mark: #000; color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
}`;

const isSaid = ({ what }: Entry): boolean => what === "sent" || what === "edited";
/** Beyond these a page is slow to open and to print. */
const ENTRIES_A_PAGE = 5_000;
/** How far the first name of a conversation is looked for. */
const LOOKED_AHEAD = 50;

/** A transcript to be read and printed: no script, nothing that is fetched, everything escaped. */
export const html: Format = {
  tells: ["conversation", "user", "tenant"],
  async *render(stream) {
    const { title, entries } = await titled(stream);
    let page = 0;
    let onPage = ENTRIES_A_PAGE;
    let day = "";
    let path = "";
    for await (const entry of entries) {
      if (onPage >= ENTRIES_A_PAGE) {
        if (page > 0) yield { path, text: FOOT };
        page++;
        path = `html/${stream.kind}-${stream.of}${page === 1 ? "" : `-${page}`}.html`;
        yield { path, text: head(title, stream, page) };
        [onPage, day] = [0, ""];
      }
      const today = entry.recordedAt.slice(0, 10);
      const heading = today === day ? "" : `<h2>${today}</h2>\n`;
      yield { path, text: heading + articleOf(entry, stream.nameOf) };
      day = today;
      onPage++;
    }
    if (page > 0) yield { path, text: FOOT };
  },
};

const FOOT = "</main>\n</body>\n</html>\n";

const head = (title: string, { tenant, kind, of }: ToldStream, page: number): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escaped(title)}</title>
<style>${STYLE}
</style>
</head>
<body>
<header>
<h1 dir="auto">${escaped(title)}</h1>
<p>${escaped(kind)} ${escaped(of)} of ${escaped(tenant)}${page === 1 ? "" : `, page ${page}`}. Times are UTC, as recorded.</p>
</header>
<main>
`;

function articleOf(entry: Entry, nameOf: NameOf): string {
  const { personId, recordedAt, revision } = entry;
  const who = personId === null ? "" : `<bdi class="who">${escaped(nameOf(personId) ?? `(${personId})`)}</bdi> `;
  const when = `<time class="when" datetime="${recordedAt}">${recordedAt.slice(11, 19)}</time>`;
  if (!isSaid(entry))
    return `<article class="event" id="r${revision}">${when} ${who}<bdi>${escaped(missing(entry) ?? happened(entry))}</bdi></article>\n`;
  const notes = notesOf(entry).map((note) => ` <bdi class="note">${escaped(note)}</bdi>`);
  const gone = missing(entry);
  const text =
    gone === undefined
      ? `<p class="text" dir="auto">${escaped(entry.text ?? "")}</p>`
      : `<p class="text gone">${escaped(gone)}</p>`;
  return `<article id="r${revision}"><div class="head">${who}${when} <span class="seq">#${entry.seq}</span>${notes.join("")}</div>${text}</article>\n`;
}

function notesOf({ what, at, recordedAt, replyTo, threadRoot, attachments, state, details }: Entry): string[] {
  return [
    ...(what === "edited" ? ["edited"] : []),
    ...(at !== null && at.slice(0, 19) !== recordedAt.slice(0, 19) ? [`sent ${at}`] : []),
    ...(replyTo === null ? [] : [`reply to ${replyTo}`]),
    ...(threadRoot === null ? [] : [`in the thread of ${threadRoot}`]),
    ...(state === "held" ? ["kept by a legal hold"] : []),
    ...(details.kind === "encrypted" ? ["end-to-end encrypted"] : []),
    ...attachments.map(({ name, mimeType, size }) => `attached: ${name ?? "(no name)"}, ${mimeType}, ${size} bytes`),
  ];
}

/** What the stream is called, from its first entries, and all of its entries. */
async function titled({ kind, of, entries }: ToldStream): Promise<{ title: string; entries: AsyncIterable<Entry> }> {
  const all = entries[Symbol.asyncIterator]();
  const first: Entry[] = [];
  let title: string | undefined;
  while (first.length < LOOKED_AHEAD && title === undefined) {
    const next = await all.next();
    if (next.done) break;
    first.push(next.value);
    if (next.value.what === "named") title = next.value.text ?? undefined;
    if (isSaid(next.value)) break;
  }
  return {
    title: title ?? `${kind[0]?.toUpperCase()}${kind.slice(1)} ${of}`,
    entries: (async function* () {
      yield* first;
      for (let next = await all.next(); !next.done; next = await all.next()) yield next.value;
    })(),
  };
}
