/**
 * Who calls, and what they may do.
 *
 * A grant is a dotted name such as `queries.execute`; in a role it may hold `*` for all that follows, and after a colon
 * the objects that it is limited to: `queries.execute:check_*`. Without a colon it means every object.
 */
export interface Principal {
  /** As it stands in logs and in the audit: `CN=poller1`, `token:icinga`, `user:admin`, `local`. */
  readonly name: string;
  readonly kind: "certificate" | "token" | "user" | "anonymous" | "local" | "module";
  readonly grants: Grants;
}

/** The grants of a principal, ready to be asked. */
export class Grants {
  private readonly rules: readonly Rule[];
  private readonly answers = new Map<string, boolean | readonly Rule[]>();

  /** @param texts grants as users write them; blanks around them don't count. */
  constructor(readonly texts: readonly string[]) {
    this.rules = texts.map((text) => parseRule(text.trim())).filter((rule) => rule.parts.length > 0);
  }

  /** Whether `permission` is granted for `object`; without an object: for at least one object. */
  allows(permission: string, object?: string): boolean {
    let answer = this.answers.get(permission);
    if (answer === undefined) {
      answer = this.resolve(permission);
      this.answers.set(permission, answer);
    }
    if (typeof answer === "boolean") return answer;
    if (object === undefined) return true;
    const name = object.toLowerCase();
    return answer.some((rule) => rule.matchesObject(name));
  }

  private resolve(permission: string): boolean | readonly Rule[] {
    const name = permission.split(".");
    const matching = this.rules.filter((rule) => grantsName(rule.parts, name));
    if (matching.length === 0) return false;
    return matching.some((rule) => rule.object === undefined) ? true : matching;
  }
}

interface Rule {
  readonly parts: readonly string[];
  readonly object: string | undefined;
  matchesObject(name: string): boolean;
}

function parseRule(text: string): Rule {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const object = colon < 0 ? undefined : text.slice(colon + 1).trim();
  const matches = object === undefined ? () => true : globMatcher(object);
  return { parts: name === "" ? [] : name.trim().split("."), object, matchesObject: matches };
}

/** `*` stands for the rest; a bare word is granted when any child is: `modules.load` grants `modules`. */
function grantsName(pattern: readonly string[], name: readonly string[]): boolean {
  for (let index = 0; index < pattern.length; index++) {
    if (pattern[index] === "*") return true;
    if (index >= name.length) return name.length === 1;
    if (pattern[index] !== name[index]) return false;
  }
  return pattern.length === name.length;
}

/** Matches a glob with `*` and `?`, case-insensitively and in linear time. */
export function globMatcher(glob: string): (text: string) => boolean {
  const pattern = glob.toLowerCase();
  if (pattern === "*") return () => true;
  if (!/[*?]/.test(pattern)) return (text) => text.toLowerCase() === pattern;
  return (given) => {
    const text = given.toLowerCase();
    let textAt = 0;
    let patternAt = 0;
    let starAt = -1;
    let retryAt = 0;
    while (textAt < text.length) {
      const expected = pattern[patternAt];
      if (expected === "*") {
        starAt = patternAt++;
        retryAt = textAt;
      } else if (expected === "?" || expected === text[textAt]) {
        textAt++;
        patternAt++;
      } else if (starAt >= 0) {
        patternAt = starAt + 1;
        textAt = ++retryAt;
      } else {
        return false;
      }
    }
    while (pattern[patternAt] === "*") patternAt++;
    return patternAt === pattern.length;
  };
}

const everything = new Grants(["*"]);

/** The person at this machine: the command line, and whoever may open the control socket. */
export const localPrincipal: Principal = { name: "local", kind: "local", grants: everything };

/** A module or a script that acts on its own. */
export function modulePrincipal(name: string): Principal {
  return { name: `module:${name}`, kind: "module", grants: everything };
}
