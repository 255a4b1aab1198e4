/** Looks of the reference page: light and dark, no font and no picture from elsewhere. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: light-dark(#fcfbf8, #17181b);
  --ink: light-dark(#22242a, #e4e3df);
  --faint: light-dark(#686d78, #9a9da6);
  --line: light-dark(#e3e0d8, #2e3036);
  --card: light-dark(#ffffff, #1e2024);
  --mark: light-dark(#7a3b12, #e8a87a);
  --get: light-dark(#1d6b46, #7fd1a6);
  --post: light-dark(#2456a6, #8db8f5);
  --put: light-dark(#8a5a00, #e6bd62);
  --delete: light-dark(#a4262c, #f19a9a);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, sans-serif;
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--paper); color: var(--ink); display: grid; grid-template-columns: 17rem minmax(0, 1fr); }
a { color: inherit; text-decoration-color: var(--line); text-underline-offset: .2em; }
a:hover { text-decoration-color: currentcolor; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem 3rem 1.5rem; border-right: 1px solid var(--line); font-size: .875rem; }
nav h2 { font-size: .75rem; font-weight: 600; color: var(--faint); margin: 1.4rem 0 .3rem; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: block; padding: .12rem 0; text-decoration: none; }
nav a:hover { text-decoration: underline; }
main { padding: 2rem clamp(1rem, 4vw, 4rem) 6rem; max-width: 62rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; }
h1 small { font-size: .9rem; font-weight: 400; color: var(--faint); letter-spacing: 0; }
main > section > h2 { font-size: 1.35rem; margin: 3.5rem 0 .5rem; padding-bottom: .4rem; border-bottom: 1px solid var(--line); }
article { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1.1rem 1.3rem 1.2rem; margin: 1.1rem 0; }
article > h3 { margin: 0; font-size: 1.05rem; }
article > p { margin: .35rem 0 .6rem; }
.route { display: flex; gap: .7rem; align-items: baseline; flex-wrap: wrap; margin: .5rem 0; font: .9rem/1.5 ui-monospace, SFMono-Regular, Menlo, monospace; }
.route code { font: inherit; overflow-wrap: anywhere; }
.method { font-weight: 700; }
.GET { color: var(--get); } .POST { color: var(--post); } .PUT, .PATCH { color: var(--put); } .DELETE { color: var(--delete); }
.route i { color: var(--mark); font-style: normal; }
.facts { color: var(--faint); font-size: .875rem; }
h4 { font-size: .8rem; margin: 1.1rem 0 .3rem; color: var(--faint); font-weight: 600; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, monospace; font-size: .85rem; }
pre { background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: .7rem .9rem; overflow-x: auto; margin: .4rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
td, th { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-top: 1px solid var(--line); }
tr:first-child > td { border-top: 0; }
td:first-child { white-space: nowrap; font-family: ui-monospace, SFMono-Regular, Menlo, monospace; font-size: .83rem; }
td:nth-child(2) { color: var(--mark); min-width: 8rem; }
td:nth-child(3) { color: var(--faint); width: 55%; }
td sup { color: var(--mark); font-size: .7rem; }
details { margin: .3rem 0; }
summary { cursor: pointer; color: var(--faint); font-size: .875rem; }
details > table { margin: .2rem 0 .4rem; border-left: 2px solid var(--line); padding-left: .9rem; display: block; }
:focus-visible { outline: 2px solid var(--post); outline-offset: 2px; border-radius: 3px; }
@media (max-width: 54rem) {
  body { display: block; }
  nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); columns: 2; }
  nav ul, nav h2 { break-inside: avoid; }
  td:nth-child(3) { width: auto; }
}
`;
