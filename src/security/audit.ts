import type { Principal } from "../kernel/principal.js";

/** Something that goes into the audit log. */
export interface AuditEvent {
  /** What was asked for, named like the grant it needs: `queries.execute`, `settings.put`, `modules.load`, `login`. */
  readonly action: string;
  readonly outcome: "ok" | "denied" | "failed";
  readonly principal: Pick<Principal, "name" | "kind">;
  /** Address of the peer; empty for calls from inside. */
  readonly peer: string;
  readonly frontEnd: string;
  /** The commands, channels, settings paths or modules it was about; the log keeps the first sixteen. */
  readonly objects?: readonly string[] | undefined;
  /** Why it was refused or failed. */
  readonly reason?: string | undefined;
  readonly traceId?: string | undefined;
}

/** Where front ends report what the audit log must hold. Recording never fails and never waits. */
export interface Audit {
  record(event: AuditEvent): void;
  /** Whether such an event would be kept; for busy paths that would build it in vain. */
  keeps(action: string, outcome: AuditEvent["outcome"]): boolean;
}
