import type { RelayTargetStatus } from "../kernel/relay-status.js";

/**
 * A target in a line: `far = mon.example.org, confirmed, 12 waiting, open: connect ECONNREFUSED`.
 *
 * @param waiting undefined where nothing waits, because results go out at once
 */
export function statusLine(status: RelayTargetStatus, address: string, waiting: number | undefined): string {
  const { name, grade, breaker, lastError, nextTryMs, takenOverBy } = status;
  const parts = [address === "" ? name : `${name} = ${address}`, grade];
  if (waiting !== undefined) parts.push(`${waiting} waiting`);
  if (takenOverBy !== "") parts.push(`taken over by ${takenOverBy}`);
  if (breaker !== "closed") parts.push(`${breaker}: ${lastError}`);
  else if (nextTryMs > 0) parts.push(`retrying: ${lastError}`);
  return parts.join(", ");
}
