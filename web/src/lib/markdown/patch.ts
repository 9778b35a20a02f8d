/** Makes one tree of nodes look like another by touching only what differs, so that a selection in the tail survives. */

export function patch(old: ParentNode & Node, next: ParentNode & Node): void {
  const have = [...old.childNodes];
  const want = [...next.childNodes];
  want.forEach((node, at) => {
    const present = have[at];
    if (!present) old.appendChild(node);
    else if (!present.isEqualNode(node)) patchNode(present, node);
  });
  for (const extra of have.slice(want.length)) extra.remove();
}

function patchNode(present: ChildNode, node: ChildNode): void {
  if (present instanceof Text && node instanceof Text) present.data = node.data;
  else if (present instanceof Element && node instanceof Element && present.cloneNode(false).isEqualNode(node.cloneNode(false))) {
    patch(present, node);
  } else present.replaceWith(node);
}
