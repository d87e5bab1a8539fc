import type { Clock } from "../../kernel/clock.js";
import type { NrpeVersion } from "../../wire/nrpe/packet.js";
import type { AgentValues } from "./settings.js";

/** How long it is known which version an agent takes, in milliseconds; then a newer one is tried again. */
const knownMs = 3_600_000;
/** Agents that are remembered; those that were asked longest ago go first. */
const maxAgents = 20_000;

/**
 * Which versions of packets to try at an agent, and what worked there. An agent that does not take a version closes the
 * connection, which is all that it says, so that the next one is tried on a connection of its own.
 */
export class VersionMemory {
  private readonly known = new Map<string, { readonly version: NrpeVersion; readonly until: number }>();

  constructor(private readonly clock: Clock) {}

  /** The versions to try, in order. */
  versionsFor(place: string, wanted: AgentValues["version"]): readonly NrpeVersion[] {
    if (wanted !== "auto") return [fixed[wanted]];
    const found = this.known.get(place);
    return found === undefined || found.until <= this.clock.monotonic() ? [4, 2] : [found.version];
  }

  worked(place: string, version: NrpeVersion): void {
    const found = this.known.get(place);
    // Not for longer with every answer: an agent that is renewed is to be asked in its newer version some day.
    if (found?.version === version && found.until > this.clock.monotonic()) return;
    this.known.delete(place);
    this.known.set(place, { version, until: this.clock.monotonic() + knownMs });
    if (this.known.size <= maxAgents) return;
    const [oldest] = this.known.keys();
    if (oldest !== undefined) this.known.delete(oldest);
  }

  /** The version that worked did not: another program may answer there. */
  failed(place: string): void {
    this.known.delete(place);
  }
}

const fixed: Readonly<Record<"2" | "3" | "4", NrpeVersion>> = { "2": 2, "3": 3, "4": 4 };
