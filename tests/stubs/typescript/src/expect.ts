// Compares an answer with what the suite expects; ../../README.md says what each mark means.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
// What earlier answers gave, by name.
export type Kept = Map<string, string>;

const NAME = /<([a-z0-9_]+)>/g;
const MARK = /^<(keep|not|has) (.+)>$/;

// `value` with every `<name>` replaced by what was kept under that name.
export function fill(value: Json, kept: Kept): Json {
  if (typeof value === "string") {
    return value.replace(NAME, (_, name: string) => lookUp(name, kept));
  }
  if (Array.isArray(value)) {
    return value.map((each) => fill(each, kept));
  }
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fill(each, kept)]));
  }
  return value;
}

function lookUp(name: string, kept: Kept): string {
  const known = kept.get(name);
  if (known === undefined) {
    throw new Error(`nothing was kept as ${name}`);
  }
  return known;
}

// What differs, as one line; undefined if nothing does. What the expectation keeps is put into `kept`.
export function difference(expected: Json, found: Json | undefined, kept: Kept, at = "answer"): string | undefined {
  if (expected === null) {
    return found === undefined ? undefined : unlike(expected, found, at);
  }
  if (found === undefined || found === null) {
    return unlike(expected, found, at);
  }
  if (typeof expected === "string") {
    return textAgrees(expected, found, kept) ? undefined : unlike(expected, found, at);
  }
  if (Array.isArray(expected)) {
    return listDifference(expected, found, kept, at);
  }
  if (typeof expected === "object") {
    return objectDifference(expected, found, kept, at);
  }
  return expected === found ? undefined : unlike(expected, found, at);
}

function objectDifference(expected: { [key: string]: Json }, found: Json, kept: Kept, at: string): string | undefined {
  if (found === null || typeof found !== "object" || Array.isArray(found)) {
    return unlike(expected, found, at);
  }
  const more = Object.keys(found).filter((key) => !(key in expected));
  if ("<nothing else>" in expected && more.length > 0) {
    return `${at}: found also ${more.join(", ")}`;
  }
  for (const [key, value] of Object.entries(expected)) {
    const differs = key === "<nothing else>" ? undefined : difference(value, found[key], kept, `${at}.${key}`);
    if (differs) {
      return differs;
    }
  }
  return undefined;
}

function listDifference(expected: Json[], found: Json, kept: Kept, at: string): string | undefined {
  if (!Array.isArray(found)) {
    return unlike(expected, found, at);
  }
  if (expected[0] === "<each>" || expected[0] === "<some>") {
    return unorderedDifference(expected.slice(1), found, kept, at, expected[0] === "<each>");
  }
  if (expected.length !== found.length) {
    return unlike(expected, found, at);
  }
  for (const [index, value] of expected.entries()) {
    const differs = difference(value, found[index], kept, `${at}[${index}]`);
    if (differs) {
      return differs;
    }
  }
  return undefined;
}

function unorderedDifference(expected: Json[], found: Json[], kept: Kept, at: string, whole: boolean): string | undefined {
  if (whole && expected.length !== found.length) {
    return unlike(expected, found, at);
  }
  const left = [...found];
  for (const value of expected) {
    // Only the element that agrees keeps anything.
    let attempt: Kept = kept;
    const index = left.findIndex((candidate) => {
      attempt = new Map(kept);
      return difference(value, candidate, attempt) === undefined;
    });
    if (index < 0) {
      return unlike(value, left, at);
    }
    attempt.forEach((text, name) => kept.set(name, text));
    left.splice(index, 1);
  }
  return undefined;
}

function textAgrees(expected: string, found: Json, kept: Kept): boolean {
  if (expected === "<any>") {
    return typeof found !== "object" || found === null ? found !== "" : Object.keys(found).length > 0;
  }
  if (typeof found !== "string") {
    return false;
  }
  const [, word, rest = ""] = MARK.exec(expected) ?? [];
  switch (word) {
    case "keep":
      kept.set(rest, found);
      return found !== "";
    case "not":
      return found !== "" && found !== lookUp(rest, kept);
    case "has":
      return found.includes(rest);
    default:
      return found === fill(expected, kept);
  }
}

function unlike(expected: Json, found: Json | undefined, at: string): string {
  return `${at}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`;
}
