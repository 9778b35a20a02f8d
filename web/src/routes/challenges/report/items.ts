/** Moves to the list of items, where a link on the same page filters it. */

export function toItems(): void {
  const heading = document.getElementById("items");
  heading?.scrollIntoView({ block: "start" });
  heading?.focus({ preventScroll: true });
}
