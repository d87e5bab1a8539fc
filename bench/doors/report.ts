import { median } from "../statistics.js";
import { table, whole } from "../table.js";
import { type DoorFigures, type DoorRow, widths } from "./doors.js";

/** What the part of the document begins with that {@link renderDoors} writes. */
export const doorsHeading = "## Front doors for pollers";

/** The figures as a part of the Markdown document. */
export function renderDoors({ nrpe, rest }: DoorFigures): string {
  const lines = [doorsHeading];
  if (nrpe !== undefined) {
    lines.push(
      "",
      `Checks over NRPE, ${widths.nrpe} connections at a time and a new one for each check, with the same client. Debian's \`nrpe\` forks for each`,
      "connection and runs its plugin through a shell: `/bin/echo`, and `check_dummy` of the Nagios plugins. The gateway answers the same",
      "text. Runs of `check_nrpe` are whole processes, one behind the other. Goal: at least 1.00 of `nrpe` with `/bin/echo`.",
      "",
      ...table(["what", "server", "checks/s", "p50 ms", "p99 ms", "cpu µs", "of nrpe", "goal"], 2, nrpe.map(cells)),
    );
  }
  if (rest !== undefined) {
    lines.push(
      "",
      `Requests over HTTP without TLS, ${widths.rest} connections that stay open, beside bare fastify routes that answer with the same JSON. The check is`,
      "`check_ok`, and once an alias of it with arguments, which is two checks to the gateway. Goal: at least 0.60 of fastify.",
      "",
      ...table(["GET", "server", "requests/s", "p50 ms", "p99 ms", "cpu µs", "of fastify", "goal"], 2, rest.map(cells)),
    );
  }
  return `${lines.join("\n")}\n`;
}

function cells({ what, server, perSecond, p50Ms, p99Ms, cpuMicroseconds, ratios, goal }: DoorRow): string[] {
  const range = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
  return [
    what,
    server,
    whole(perSecond),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
    cpuMicroseconds === undefined ? "" : whole(cpuMicroseconds),
    ratios.length === 0 ? "" : `${median(ratios).toFixed(2)} (${range})`,
    goal === undefined ? "" : `≥ ${goal.toFixed(2)}`,
  ];
}
