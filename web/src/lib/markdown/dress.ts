/** What the page itself adds to a sanitised block: where links lead, a frame and a copy button around code. */

export interface Labels {
  copy: string;
  image: string;
}

/** The headings that a place stands under, by the depth that the model gave them; outermost first. */
export type Outline = readonly number[];

/** Dresses a block in place. `above` is the outline before it; the outline after it comes back. */
export function dress(root: DocumentFragment, labels: Labels, above: Outline): Outline {
  const outline = stepHeadings(root, above);
  for (const link of root.querySelectorAll("a")) dressLink(link, labels);
  for (const pre of root.querySelectorAll("pre")) frame(pre, labels);
  for (const table of root.querySelectorAll("table")) wrap(table, "wide");
  return outline;
}

/** No heading goes more than one level below the one it stands under: models often begin with the third, and screen readers count. */
function stepHeadings(root: DocumentFragment, above: Outline): Outline {
  let outline = above;
  for (const heading of root.querySelectorAll("h3, h4, h5, h6")) {
    const depth = Number(heading.localName.slice(1));
    outline = [...outline.filter((other) => other < depth), depth];
    const name = `h${2 + outline.length}`;
    if (heading.localName === name) continue;
    const other = document.createElement(name);
    other.append(...heading.childNodes);
    heading.replaceWith(other);
  }
  return outline;
}

function dressLink(link: HTMLAnchorElement, labels: Labels): void {
  const picture = link.classList.contains("image");
  const address = link.getAttribute("href");
  if (picture) link.prepend(address ? `${labels.image} ` : "");
  if (!address) return;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  link.referrerPolicy = "no-referrer";
  const host = address.startsWith("mailto:") ? address.slice(7).split("?")[0] : new URL(address).host;
  if (!host || link.textContent?.trim() === address || link.textContent?.trim() === host) return;
  const said = document.createElement("span");
  said.className = "host";
  said.textContent = ` (${host})`;
  link.append(said);
}

function frame(pre: HTMLPreElement, labels: Labels): void {
  const language = /language-(\S+)/.exec(pre.querySelector("code")?.className ?? "")?.[1];
  const head = document.createElement("div");
  head.className = "code-head";
  const name = document.createElement("span");
  name.textContent = language ?? "";
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "copy-code";
  copy.textContent = labels.copy;
  head.append(name, copy);
  pre.tabIndex = 0;
  const box = wrap(pre, "code");
  box.prepend(head);
}

function wrap(element: HTMLElement, name: string): HTMLDivElement {
  const box = document.createElement("div");
  box.className = name;
  element.replaceWith(box);
  box.append(element);
  if (name === "wide") box.tabIndex = 0;
  return box;
}
