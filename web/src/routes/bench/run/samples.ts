/** Moves to the table of samples, where a link on the same page filters it. */

export function toSamples(): void {
  const heading = document.getElementById("samples");
  heading?.scrollIntoView({ block: "start" });
  heading?.focus({ preventScroll: true });
}
