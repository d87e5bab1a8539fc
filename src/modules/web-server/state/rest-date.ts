const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A date as the lists of the API show it: local time, `2026-Nov-22 15:48:26`. */
export function restDate(timeMs: number): string {
  const date = new Date(timeMs);
  const day = [date.getFullYear(), months[date.getMonth()], digits(date.getDate())].join("-");
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(digits).join(":")}`;
}

function digits(value: number): string {
  return String(value).padStart(2, "0");
}
