/** Where the page is. Links stay ordinary links; clicks on those of this origin are followed without a reload. */

interface Place {
  path: string;
  query: URLSearchParams;
}

const here = $state<{ place: Place; moves: number }>({ place: read(), moves: 0 });

export function place(): Place {
  return here.place;
}

/** Counts moves to another path, so that the shell knows when to move focus. */
export function moves(): number {
  return here.moves;
}

export function go(address: string, { replace = false } = {}): void {
  const before = location.pathname;
  history[replace ? "replaceState" : "pushState"](null, "", address);
  arrive(before);
}

/** The same path with some of the query changed; an empty value takes a name out. */
export function withQuery(changes: Record<string, string>): string {
  const query = new URLSearchParams(here.place.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  return here.place.path + (text ? `?${text}` : "");
}

export function startRouter(): void {
  let before = location.pathname;
  addEventListener("popstate", () => {
    arrive(before);
    before = location.pathname;
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.origin !== location.origin || link.target || link.hasAttribute("download") || link.hash) return;
    event.preventDefault();
    go(link.href);
  });
}

function arrive(before: string): void {
  here.place = read();
  if (location.pathname === before) return;
  here.moves++;
  scrollTo(0, 0);
}

function read(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}
