import type { Call } from "../../../kernel/call.js";
import { Grants, type Principal } from "../../../kernel/principal.js";

/** By the principal that they are made from, of which callers who come again have the same one. */
const known = new WeakMap<Principal, Principal>();

/**
 * The call of somebody who may run checks by the grant `legacy`, which stands for `queries.execute`; what it is limited to
 * counts here, too: `legacy:check_*`. Policies of commands apply as they do to everybody.
 */
export function legacyCall(call: Call): Call {
  let principal = known.get(call.principal);
  if (principal === undefined) {
    principal = { ...call.principal, grants: new LegacyGrants(call.principal.grants.texts) };
    known.set(call.principal, principal);
  }
  return call.withPrincipal(principal);
}

class LegacyGrants extends Grants {
  override allows(permission: string, object?: string): boolean {
    return super.allows(permission, object) || (permission === "queries.execute" && super.allows("legacy", object));
  }
}
