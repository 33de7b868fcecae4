// Draws trees of plain values into the page and changes only what differs, so that focus, open
// details and selected text stay where they are while the numbers move.

const SVG = "http://www.w3.org/2000/svg";

/** An element to be drawn. Attributes named `on…` are listeners, `style` is an object of properties,
 * `key` tells siblings of the same name apart. Of children, `null` and `false` are left out. */
export function h(name, attributes, ...children) {
  const shown = children.flat(Infinity).filter((child) => child !== null && child !== false && child !== undefined);
  return { name, attributes: attributes ?? {}, children: shown };
}

/** Makes these the children of `parent`. */
export function draw(parent, ...wanted) {
  const old = [...parent.childNodes];
  let place = parent.firstChild;
  for (const child of wanted.flat(Infinity)) {
    const node = take(old, child) ?? make(parent, child);
    fill(node, child);
    if (node === place) {
      place = place.nextSibling;
    } else {
      parent.insertBefore(node, place);
    }
  }
  for (const node of old) {
    node.remove();
  }
}

function take(old, child) {
  const fits = (node) =>
    isText(child)
      ? node.nodeType === Node.TEXT_NODE
      : node.localName === child.name && node.drawnKey === child.attributes.key;
  const at = old.findIndex(fits);
  return at < 0 ? null : old.splice(at, 1)[0];
}

function make(parent, child) {
  if (isText(child)) {
    return document.createTextNode("");
  }
  const inSvg = child.name === "svg" || parent.namespaceURI === SVG;
  const node = inSvg ? document.createElementNS(SVG, child.name) : document.createElement(child.name);
  node.drawnKey = child.attributes.key;
  return node;
}

function fill(node, child) {
  if (isText(child)) {
    const text = String(child);
    if (node.data !== text) {
      node.data = text;
    }
    return;
  }
  const before = node.drawn ?? {};
  const now = child.attributes;
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
    if (name === "style") {
      restyle(node, before.style ?? {}, now.style ?? {});
    } else if (before[name] !== now[name]) {
      set(node, name, now[name]);
    }
  }
  node.drawn = now;
  draw(node, child.children);
}

function set(node, name, value) {
  if (name === "key") {
    return;
  }
  if (name.startsWith("on")) {
    node[name] = value ?? null;
  } else if (value === undefined || value === null || value === false) {
    node.removeAttribute(name);
  } else {
    node.setAttribute(name, value === true ? "" : String(value));
  }
}

function restyle(node, before, now) {
  for (const property of new Set([...Object.keys(before), ...Object.keys(now)])) {
    if (before[property] !== now[property]) {
      node.style.setProperty(property, now[property] ?? null);
    }
  }
}

function isText(child) {
  return typeof child !== "object";
}
