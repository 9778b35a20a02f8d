/** What the page itself adds to a sanitised block: where links lead, a frame and a copy button around code. */

export interface Labels {
  copy: string;
  image: string;
}

/** Dresses a block in place. `level` is that of the heading before it; the level of its own last heading comes back. */
export function dress(root: DocumentFragment, labels: Labels, level: number): number {
  const last = stepHeadings(root, level);
  for (const link of root.querySelectorAll("a")) dressLink(link, labels);
  for (const pre of root.querySelectorAll("pre")) frame(pre, labels);
  for (const table of root.querySelectorAll("table")) wrap(table, "wide");
  return last;
}

/** A heading goes at most one level below the one before: models often begin with the third, and readers' tools count. */
function stepHeadings(root: DocumentFragment, level: number): number {
  let last = level;
  for (const heading of root.querySelectorAll("h3, h4, h5, h6")) {
    const wanted = Number(heading.localName.slice(1));
    last = Math.min(wanted, last + 1);
    if (last === wanted) continue;
    const other = document.createElement(`h${last}`);
    other.append(...heading.childNodes);
    heading.replaceWith(other);
  }
  return last;
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
