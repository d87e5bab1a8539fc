import type { Call } from "./call.js";
import { globMatcher } from "./principal.js";
import type { Owner } from "./registry.js";

/** Who may run which command of which module: `[/settings/permissions]`. */
export interface CommandPolicy {
  /** Why the command is refused, as the answer of the query; `undefined` when it may run. */
  refusal(call: Call, owner: Owner | undefined, command: string): string | undefined;
  /** Whether command-line commands may run at all. */
  readonly allowsExecute: boolean;
}

export interface PolicySettings {
  readonly enabled: boolean;
  readonly allowExecute: boolean;
  /** Subject (`module[:principal]`, globs) → objects (`module.command`, globs). */
  readonly policies: ReadonlyMap<string, readonly string[]>;
  readonly onDecision?: (allowed: boolean, subject: string, object: string) => void;
}

const openPolicy: CommandPolicy = { refusal: () => undefined, allowsExecute: true };

/** The policy that the settings describe; without `enabled` everything is left to grants. */
export function commandPolicy(settings: PolicySettings): CommandPolicy {
  if (!settings.enabled) return openPolicy;
  const rules = [...settings.policies].map(([subject, objects]) => ({
    subject: globMatcher(subject),
    objects: objects.map(globMatcher),
  }));
  return {
    allowsExecute: settings.allowExecute,
    refusal(call, owner, command) {
      const subject = subjectOf(call);
      const object = `${owner?.name ?? "*"}.${command}`;
      const plain = subject.split(":")[0] ?? subject;
      const allowed = rules.some(
        (rule) => (rule.subject(subject) || rule.subject(plain)) && rule.objects.some((matches) => matches(object)),
      );
      settings.onDecision?.(allowed, subject, object);
      return allowed ? undefined : `Permission denied: ${subject} is not allowed to run ${command}`;
    },
  };
}

/** Who came in through a module is named after it, and a user by the name alone: `WEBServer:admin`, `WEBServer:token:icinga`. */
function subjectOf({ caller, module, frontEnd, principal: { kind, name } }: Call): string {
  if (caller !== undefined) return caller.alias || caller.name;
  if (module !== undefined) return `${module}:${kind === "user" ? name.replace(/^user:/, "") : name}`;
  return frontEnd === "" ? "*" : `${frontEnd}:${name}`;
}
